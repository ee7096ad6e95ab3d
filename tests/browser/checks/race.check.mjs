// Two people decide the same approval at the same moment.

import assert from 'node:assert/strict';
import { ballot, decision, heading } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { ask, createShop, GATE, PROJECT } from '../sockshop.mjs';

const ROUNDS = 50;
const REASON = 'error budget is spent';

/** Holds the decisions of two pages until both have come, then lets both go in that order. */
async function releaseTogether(pages) {
  const held = [];
  const both = new Promise((resolve) => {
    for (const page of pages) {
      page.route('**/decision', (route) => {
        held.push(route);
        if (held.length === pages.length) resolve();
      });
    }
  });
  return async () => {
    await both;
    await Promise.all(held.map((route) => route.continue()));
    for (const page of pages) await page.unroute('**/decision');
  };
}

check('one approves and one declines, released together, fifty times: one decision, and the loser is told', { weight: 9, deadlineMs: 300_000 }, async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  // Whoever loses finds a refused form on the console.
  const [ada, grace] = [
    await signIn(shop, 'ada', { allowed: [/409/] }),
    await signIn(shop, 'grace', { allowed: [/409/] }),
  ];
  const won = { ada: 0, grace: 0 };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const image = `carts:${round}`;
    const approval = await ask(shop, image);
    const address = `${shop.origin}/bridge/approval/${approval.id}`;
    await Promise.all([ada.goto(address), grace.goto(address)]);
    await ballot(grace, image).reason.fill(REASON);
    const presses = [() => ballot(ada, image).approve.click(), () => ballot(grace, image).decline.click()];
    // Who comes first to the server changes from round to round.
    const release = await releaseTogether(round % 2 ? [ada, grace] : [grace, ada]);
    const answers = [ada, grace].map((page) =>
      page.waitForResponse((response) => response.url().endsWith('/decision') && response.request().method() === 'POST'),
    );
    await Promise.all([...(round % 2 ? presses : presses.toReversed()).map((press) => press()), release()]);
    const statuses = (await Promise.all(answers)).map((answer) => answer.status());
    assert.deepEqual(statuses.toSorted(), [303, 409], `round ${round}`);

    const decided = await decision(shop, approval.id);
    const adaWon = statuses[0] === 303;
    won[decided.by.name] += 1;
    assert.deepEqual([decided.by.name, decided.decision], adaWon ? ['ada', 'approve'] : ['grace', 'decline']);
    const [winner, loser] = adaWon ? [ada, grace] : [grace, ada];
    await heading(winner, `You ${adaWon ? 'approved' : 'declined'} ${image} for production`).waitFor();
    await heading(loser, /decided already/).waitFor();
    const text = await loser.getByRole('main').innerText();
    assert.match(text, adaWon ? /ada approved this (\d+ s|just) before you/i : /grace declined this (\d+ s|just) before you: “error budget is spent”/i);
    assert.match(text, /your vote was not used/i);
    // A lane that a deployment holds would make the next one wait.
    if (adaWon) await shop.perform(PROJECT, approval.context, 'deployment');
  }
  console.log(`  ada won ${won.ada} rounds, grace ${won.grace}`);
});
