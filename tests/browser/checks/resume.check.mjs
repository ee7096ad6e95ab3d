// A stream that was cut goes on where it was, or says that it cannot and everything is asked for anew.

import assert from 'node:assert/strict';
import { isLive, isSameDocument, mark } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { createShop, GATE, PROJECT, SERVICES } from '../sockshop.mjs';
import { isAsFresh, isLost, messages, unreachable } from '../truth.mjs';

const EVENTS = 30;
/** More changes than the server remembers (`KEPT` in `crates/engine/src/commits.rs`). */
const FORGOTTEN = 1030;
/** Requests at once: as many inputs as the server takes into one commit. */
const AT_ONCE = 64;

const LIST = `/bridge/project/${PROJECT}/sequence`;

const trigger = (shop, image) =>
  shop.trigger({ project: PROJECT, stage: 'production', sequence: 'delivery', service: image.split(':')[0], image });

/** Triggers so many sequences, one after the other, and answers with their contexts, newest first. */
async function triggerAll(shop, count) {
  const contexts = [];
  for (let index = 1; index <= count; index += 1) {
    contexts.unshift(await trigger(shop, `${SERVICES[index % SERVICES.length]}:1.${index}`));
  }
  return contexts;
}

/** The list of sequences, live, with a clock of its own, and with one sequence in it. */
async function openList(shop, signIn) {
  const [first] = await triggerAll(shop, 1);
  const page = await signIn(shop, 'ada', { next: '/bridge/me', allowed: unreachable });
  await page.clock.install();
  const heard = await messages(page);
  await page.goto(shop.origin + LIST);
  await isLive(page);
  await mark(page);
  return { page, first, heard };
}

/** How far a clock is set forward to stand still: later than now, also where the machine is slow. */
const FORWARD_MS = 20_000;

/**
 * Cuts the page's connection, does some work and gives it back. The page's clock stands still meanwhile, so that
 * it does not ask by itself after a while: all that it knows afterwards, it knows from the stream.
 */
async function whileCut(page, work) {
  await page.clock.pauseAt(Date.now() + FORWARD_MS);
  await page.context().setOffline(true);
  await isLost(page);
  const asked = [];
  page.on('request', (request) => {
    if (request.url().includes('part=main')) asked.push(request.url());
  });
  const done = await work();
  assert.deepEqual(asked, [], 'nothing is asked for while nobody can answer');
  await page.context().setOffline(false);
  return { done, asked };
}

/** The contexts that a list of sequences shows, as they stand there. */
const shown = (page) =>
  page.locator('main .rows > li > a.row').evaluateAll((rows) => rows.map((row) => row.pathname.split('/').at(-1)));

/** Waits until the list has been asked for, and shows all of it. */
async function showsAll(page, count) {
  await page.getByRole('button', { name: `${count} new, show` }).click();
}

const number = ({ position }) => Number(position.split('-').at(-1));

check('a stream that is cut while thirty sequences begin goes on where it was: each is there once, asked for once', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  const { page, first, heard } = await openList(shop, signIn);
  const before = heard.at(-1);
  const { done: contexts, asked } = await whileCut(page, async () => {
    heard.length = 0;
    return triggerAll(shop, EVENTS);
  });
  await showsAll(page, EVENTS);
  assert.deepEqual(await shown(page), [...contexts, first]);
  const { states } = await shop.call('GET', `/api/controlPlane/v1/sequence/${PROJECT}?pageSize=50`);
  assert.deepEqual(await shown(page), states.map((state) => state.shkeptncontext), 'in the order of the API');
  assert.equal(asked.length, 1, 'the page asks once for all of it');
  const [open, changed] = heard;
  assert.deepEqual([open.name, changed.name], ['open', 'changed']);
  assert.equal(open.position, before.position, 'it begins where it was cut');
  assert(number(changed) - number(open) >= EVENTS, `one message tells of all: ${open.position} to ${changed.position}`);

  // What comes next is told once, and not what was told before.
  await page.clock.resume();
  const next = await trigger(shop, 'carts:2');
  await showsAll(page, 1);
  assert.deepEqual(await shown(page), [next, ...contexts, first]);
  const numbers = heard.map(number);
  assert(numbers.every((n, index) => index === 0 || n > numbers[index - 1]), `each message is about what came later: ${numbers}`);
  assert(await isSameDocument(page));
  await isAsFresh(page);
});

check('a stream that was away for longer than the server remembers is told so, and its pages are drawn anew', { weight: 3 }, async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  const { page, first, heard } = await openList(shop, signIn);
  const inbox = await page.context().newPage();
  await inbox.goto(`${shop.origin}/bridge/inbox`);
  await isLive(inbox);
  await mark(inbox);
  const { done: contexts, asked } = await whileCut(page, async () => {
    heard.length = 0;
    const contexts = await triggerAll(shop, 3);
    // Notes are in no list, and yet something has changed.
    const data = { project: PROJECT, stage: 'production', service: 'carts' };
    let left = FORGOTTEN;
    const send = async () => {
      while (left-- > 0) await shop.send({ type: 'sh.keptn.event.note', data });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, send));
    return contexts;
  });
  await showsAll(page, 3);
  const [open, reset] = heard;
  assert.deepEqual([open.name, reset.name], ['open', 'reset']);
  assert.equal(asked.length, 1);
  assert(number(reset) - number(open) > FORGOTTEN, `${open.position} to ${reset.position}`);
  assert.deepEqual(await shown(page), [...contexts, first]);
  await page.clock.resume();
  // Both pages, although one alone holds the stream.
  for (const tab of [page, inbox]) {
    await isAsFresh(tab);
    assert(await isSameDocument(tab), 'no page was loaded again');
  }
  await inbox.getByRole('link', { name: 'Inbox 4', exact: true }).first().waitFor();

  const next = await trigger(shop, 'carts:2');
  await showsAll(page, 1);
  assert.deepEqual(await shown(page), [next, ...contexts, first]);
  assert.equal(heard.filter(({ name }) => name === 'reset').length, 1, 'it goes on from there');
});
