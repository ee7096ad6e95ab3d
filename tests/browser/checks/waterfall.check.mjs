// The bars of a sequence and the spans beside them are those of the log, whatever clocks say.

import assert from 'node:assert/strict';
import { isLive } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { createShop, deliver, fillShop, PROJECT } from '../sockshop.mjs';
import { wallClock } from '../wallclock.mjs';
import { assertBars, assertBarsInside, assertSpan, rowOf, tookOf } from '../waterfall.mjs';

const SET_BACK_MS = 90_000;
/** A span below nothing; what is no part of an id or a date. */
const BELOW_NOTHING = /(?<![\w-])[-−]\d.*/;
/** What has happened, in the future. */
const TO_COME = /\bin \d+ (s|min|h|d)\b.*/;
/** Spans that no sequence of a check lasts for. */
const HOURS = /.*\b\d+ (h|d)\b/;

const pageOf = (shop, context) => `${shop.origin}/bridge/project/${PROJECT}/sequence/${context}`;

/** An answer to a task, from whom and with whatever one likes. */
const answer = (shop, { type, shkeptncontext, id, data: { project, stage, service } }, phase, { data = {}, ...more } = {}) =>
  shop.send({
    type: type.replace(/triggered$/, phase),
    shkeptncontext,
    triggeredid: id,
    data: { project, stage, service, status: 'succeeded', result: 'pass', ...data },
    ...more,
  });

/** When an executor began a task and when it ended it, by the log, in milliseconds since 1970. */
function workOf(shop, context, task, executor) {
  const time = async (phase) => {
    const events = await shop.events(PROJECT, `${task}.${phase}`, context);
    return Date.parse(events.find(({ source }) => source === executor).time);
  };
  return Promise.all(['started', 'finished'].map(time));
}

/** What a page says, with all that unfolds open. */
async function read(page, address) {
  await page.goto(address);
  await page.locator('main details').evaluateAll((all) => all.forEach((details) => (details.open = true)));
  return page.getByRole('main').innerText();
}

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

check('the times that an executor sends count for nothing: what is shown is when its events came', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const context = await deliver(shop, 'carts:1.0.0');
  const page = await signIn(shop, 'ada');
  // One whose clock is behind, and at last goes backwards; and one whose clock is ahead.
  for (const [task, started, finished] of [['deployment', -7_200_000, -9_000_000], ['test', 7_200_000, 3_600_000]]) {
    const event = await shop.open(PROJECT, context, task);
    const said = (shift_ms) => ({ source: 'clock', time: new Date(Date.parse(event.time) + shift_ms).toISOString() });
    await answer(shop, event, 'started', said(started));
    await page.goto(pageOf(shop, context));
    assert.match(await tookOf(page, event.id), /^[\d.]+ (ms|s)$/, 'while it runs');
    await answer(shop, event, 'finished', said(finished));
    const [start, end] = await workOf(shop, context, task, 'clock');
    const text = await read(page, pageOf(shop, context));
    for (const wrong of [BELOW_NOTHING, TO_COME, HOURS]) assert.doesNotMatch(text, wrong);
    await assertBars(page, event.id, [[start, end]], task);
    assertSpan(await tookOf(page, event.id), end - start, `${task} took`);
  }
});

check('each executor of a task has a bar of its own, and the task lasts from the first start to the last end', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const context = await deliver(shop, 'carts:1.0.0');
  const event = await shop.open(PROJECT, context, 'deployment');
  for (const source of ['helm', 'istio']) await answer(shop, event, 'started', { source });
  await answer(shop, event, 'finished', { source: 'istio', data: { result: 'fail', message: 'no gateway' } });
  const page = await signIn(shop, 'ada', { next: `/bridge/project/${PROJECT}/sequence/${context}` });
  const row = rowOf(page, event.id);
  await row.getByText('1 of 2 executors have finished').waitFor();
  assert.equal(await assertBarsInside(page, event.id, 'deployment'), 2);
  await isLive(page);
  await answer(shop, event, 'finished', { source: 'helm' });
  await row.getByText('Failed', { exact: true }).first().waitFor();
  await page.goto(pageOf(shop, context));
  const [helm, istio] = await Promise.all(['helm', 'istio'].map((source) => workOf(shop, context, 'deployment', source)));
  await assertBars(page, event.id, [helm, istio], 'deployment');
  assertSpan(await tookOf(page, event.id), helm[1] - helm[0], 'deployment took');
});

// On Linux alone the clock of one program can be set.
if (process.platform === 'linux') {
  /**
   * Two sequences of a server whose clock is set back while the first task of one is worked on, and before anybody
   * takes that of the other. Answers with the `.triggered` event of each of the two tasks.
   */
  async function setBack(serve) {
    const clock = await wallClock();
    const shop = await serve({ env: clock.env });
    await createShop(shop);
    const begin = async (image) => shop.open(PROJECT, await deliver(shop, image), 'deployment');
    const [worked, waited] = [await begin('carts:1.0.0'), await begin('catalogue:1.0.0')];
    await shop.take(worked);
    await clock.set(-SET_BACK_MS);
    await shop.finish(worked);
    await shop.take(waited);
    await shop.finish(waited);
    for (const { shkeptncontext } of [worked, waited]) await shop.perform(PROJECT, shkeptncontext, 'test', { result: 'fail' });
    return { shop, worked, waited };
  }

  check('where the clock of the server was set back, no bar leaves its scale, no span is below nothing, and it says so', async ({ serve, signIn }) => {
    const { shop, worked, waited } = await setBack(serve);
    const page = await signIn(shop, 'ada');
    for (const { shkeptncontext: context } of [worked, waited]) {
      await read(page, pageOf(shop, context));
      for (const task of ['deployment', 'test']) {
        const [event] = await shop.events(PROJECT, `${task}.triggered`, context);
        const [start, end] = await workOf(shop, context, task, 'executor');
        assert.equal(await assertBarsInside(page, event.id, task), 1);
        assertSpan(await tookOf(page, event.id), Math.max(end - start, 0), `${task} took`);
        // The log lists its entries as they came: a step back in time is one there, with its sign.
        const steps = [start - Date.parse(event.time), end - start];
        const deltas = await rowOf(page, event.id).locator('.delta').allInnerTexts();
        assert.deepEqual(deltas.map((delta) => delta[0]), steps.map((step) => (step < 0 ? '−' : '+')), task);
        deltas.forEach((delta, index) => assertSpan(delta, Math.abs(steps[index]), 'the step'));
      }
      const others = await page.getByRole('main').evaluate((main) => {
        const copy = main.cloneNode(true);
        copy.querySelectorAll('.delta, .payload').forEach((part) => part.remove());
        return copy.textContent;
      });
      assert.doesNotMatch(others, BELOW_NOTHING);
    }
    const [start, end] = await workOf(shop, worked.shkeptncontext, 'deployment', 'executor');
    assert(end < start, 'it ended before it started');
    await page.goto(pageOf(shop, worked.shkeptncontext));
    const note = rowOf(page, worked.id).getByText(/before it started: the clock of the server was set back/);
    assertSpan(await note.innerText(), start - end, 'ended before it started by');
  });

  check('where the clock of the server was set back, nothing that has happened is in the future', async ({ serve, signIn }) => {
    const { shop, worked, waited } = await setBack(serve);
    const page = await signIn(shop, 'ada');
    const pages = [worked, waited].map(({ shkeptncontext }) => pageOf(shop, shkeptncontext));
    for (const address of [...pages, `${shop.origin}/bridge/project/${PROJECT}/sequence`]) {
      const [future] = (await read(page, address)).match(TO_COME) ?? [];
      assert.equal(future, undefined, `what has happened is said to be in the future: ${address}`);
    }
  });
}
