// An approval whose gate is declared invalid, and then measured again, while somebody has its page open.

import assert from 'node:assert/strict';
import { assertNotSideways, ballot, decision, heading } from '../bridge.mjs';
import { SERVICE } from '../failing.mjs';
import { check, desktop, phone } from '../harness.mjs';
import { tokens } from '../installation.mjs';
import { measured } from '../sockshop.mjs';

const PROJECT = 'revised';
const IMAGE = 'carts:1.5.0';
const SHIPYARD = `apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata:
  name: revised
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks:
            - name: deployment
            - name: evaluation
    - name: production
      sequences:
        - name: delivery
          triggeredOn:
            - event: qa.delivery.finished
          tasks:
            - name: approval
              properties: { pass: manual, warning: manual }
            - name: release
`;

check('an open approval says at once that its gate was declared invalid, and that a newer one has failed', { weight: 2 }, async ({ serve, signIn, accessible, screenshot }) => {
  const shop = await serve();
  await shop.create(PROJECT, SHIPYARD, [SERVICE]);
  const trigger = { project: PROJECT, stage: 'qa', service: SERVICE, token: tokens['ci-main'] };
  const context = await shop.trigger({ ...trigger, sequence: 'delivery', image: IMAGE });
  await shop.perform(PROJECT, context, 'deployment');
  await shop.evaluate(PROJECT, context, 96.5, 'pass', measured('pass'));
  const { id, subject } = await shop.waiting(context);
  const page = await signIn(shop, 'ada', { next: `/bridge/approval/${id}` });
  const card = page.getByRole('article');
  const look = async (what) => {
    for (const [name, screen] of [['desktop', desktop], ['phone', phone]]) {
      await page.setViewportSize(screen);
      await assertNotSideways(page);
      await accessible(page);
      await screenshot(page, `revised-${what}.${name}`);
    }
  };
  await card.getByText(/Passed 96\.5\/100/).first().waitFor();

  const [finished] = await shop.events(PROJECT, 'evaluation.finished', context);
  const data = { project: PROJECT, stage: 'qa', service: SERVICE, evaluation: { reason: 'no traffic' } };
  await shop.send({ type: 'sh.keptn.event.evaluation.invalidated', shkeptncontext: context, triggeredid: finished.triggeredid, source: 'checks', data });
  await card.getByText('Since this was asked: the evaluation in qa, pass, was declared invalid.').waitFor();
  await card.getByText('Declared invalid', { exact: true }).first().waitFor();
  await look('invalid');

  // In a context of its own, as `trigger evaluation` makes it.
  const again = await shop.trigger({ ...trigger, sequence: 'evaluation' });
  await shop.evaluate(PROJECT, again, 41.5, 'fail', measured('fail'));
  await card.getByText('Since this was asked: the evaluation in qa was pass, now fail.').waitFor();
  await card.getByText(/Failed 41\.5\/100/).first().waitFor();
  assert.equal(await card.getByText(/96\.5/).count(), 0, 'what does not hold any more is not shown');
  await look('failed');

  const vote = { decision: 'approve', comment: 'fine', subject };
  const refused = await shop.request('POST', `/api/tidegate/v1/approvals/${id}/decision`, vote, tokens.ada);
  assert.deepEqual([refused.status, refused.body.changed], [409, 'the evaluation in qa was pass, now fail']);
  const form = ballot(page, IMAGE, 'production');
  // What just changed takes no decision.
  await page.reload();
  await form.reason.fill('known, and harmless');
  await form.approve.click();
  await heading(page, `You approved ${IMAGE} for production`).waitFor();
  assert.equal((await decision(shop, id)).decision, 'approve');
  assert.equal((await shop.approval(id)).overridden, true);
});
