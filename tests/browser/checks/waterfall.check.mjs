// The bars of a sequence and the spans beside them are those of the log.

import assert from 'node:assert/strict';
import { check } from '../harness.mjs';
import { fillShop, PROJECT } from '../sockshop.mjs';
import { assertBars, assertSpan, tookOf } from '../waterfall.mjs';

const pageOf = (shop, context) => `${shop.origin}/bridge/project/${PROJECT}/sequence/${context}`;

check('the bars of a sequence are where its events were, to the pixel', { weight: 2 }, async ({ serve, signIn }) => {
  const shop = await serve();
  const { passed, failed } = await fillShop(shop);
  const page = await signIn(shop, 'ada');
  for (const context of [passed, failed]) {
    await page.goto(pageOf(shop, context));
    let compared = 0;
    for (const task of ['deployment', 'test', 'evaluation', 'approval', 'release']) {
      const [triggered, started, finished] = await Promise.all(
        ['triggered', 'started', 'finished'].map((phase) => shop.events(PROJECT, `${task}.${phase}`, context)),
      );
      for (const event of triggered) {
        const of = (events) => Date.parse(events.find(({ triggeredid }) => triggeredid === event.id).time);
        // A person begins to be asked when the task is triggered, an executor works from its `.started`.
        const [start, end] = [task === 'approval' ? Date.parse(event.time) : of(started), of(finished)];
        await assertBars(page, event.id, [[start, end]], task);
        assertSpan(await tookOf(page, event.id), end - start, `${task} took`);
        compared += 1;
      }
    }
    assert(compared >= 2, `${compared} bars were compared`);
  }
});
