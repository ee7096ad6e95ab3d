// Open pages stay true: while others decide, while the server is gone, while the network is away.

import assert from 'node:assert/strict';
import { ballot, heading, isLive, isSameDocument, listen, mark } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { until } from '../installation.mjs';
import { ask, createShop, deliver, fillShop, GATE, PROJECT, reachProduction, upToApproval } from '../sockshop.mjs';
import { isAsFresh, isLost, unreachable } from '../truth.mjs';

const LOST_MS = 2_000;
const BACK_MS = 5_000;
const AWAY_MS = 60_000;
/** The longest wait between two of a page's first attempts to come back. */
const RETRY_MS = 4_000;

check('new approvals move nothing under a card that has the focus', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  for (const image of ['carts:1', 'catalogue:1']) await ask(shop, image);
  const page = await signIn(shop, 'ada');
  await isLive(page);
  const { card } = ballot(page, 'catalogue:1');
  await card.focus();
  await page.evaluate(() => {
    window.shifts = [];
    const note = (list) => list.getEntries().forEach((entry) => window.shifts.push(entry.value));
    new PerformanceObserver(note).observe({ type: 'layout-shift' });
  });
  const top = () => card.evaluate((element) => element.getBoundingClientRect().top);
  const before = await top();
  const assertStays = async () => {
    const moved_px = Math.abs((await top()) - before);
    assert(moved_px < 1, `the card has moved by ${moved_px} px`);
  };
  await shop.trigger({ project: PROJECT, stage: 'production', sequence: 'delivery', service: 'payment', image: 'payment:1' });
  await ask(shop, 'payment:2');
  await page.getByRole('link', { name: 'Inbox 4', exact: true }).first().waitFor();
  await page.getByRole('button', { name: '2 new, show' }).waitFor();
  await assertStays();
  assert.deepEqual(await page.evaluate(() => window.shifts), [], 'nothing shifts');

  // A newer candidate puts a flag on the card above: that one grows, this one stays all the same.
  await ask(shop, 'carts:2');
  await ballot(page, 'carts:1').card.getByText(/newer candidate waits/i).waitFor();
  await assertStays();
  assert(await card.evaluate((element) => element === document.activeElement));

  await page.getByRole('button', { name: '3 new, show' }).click();
  await ballot(page, 'payment:2').approve.waitFor();
});

check('a key on a card that changed just now decides nothing, and says so', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  const first = await ask(shop, 'carts:1');
  const other = await ask(shop, 'carts:2');
  const page = await signIn(shop, 'ada');
  await isLive(page);
  const { card } = ballot(page, 'carts:1');
  await card.focus();
  const subject = () => card.locator('input[name="subject"]').first().inputValue();
  const before = await subject();
  await shop.decide(other.id, 'approve');
  await shop.perform(PROJECT, other.context, 'deployment');
  // In the page, so that the key comes within the time in which a change is unread.
  await page.evaluate(
    ([old]) =>
      new Promise((resolve) => {
        const look = () => {
          const field = document.activeElement.querySelector('input[name="subject"]');
          if (field.value === old) return requestAnimationFrame(look);
          document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true }));
          resolve();
        };
        look();
      }),
    [before],
  );
  await page.getByRole('status').filter({ hasText: /ignored|changed just now/i }).first().waitFor();
  assert.equal((await shop.approval(first.id)).state, 'open');
  assert.notEqual(await subject(), before);
});

check('a card that somebody else decides becomes one line, said once, and keeps its place', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  const first = await ask(shop, 'carts:1');
  await ask(shop, 'catalogue:1');
  const page = await signIn(shop, 'ada');
  await isLive(page);
  const saidOf = await listen(page);
  const top = () => ballot(page, 'catalogue:1').card.evaluate((card) => card.getBoundingClientRect().top);
  const before = await top();
  await shop.decide(first.id, 'decline', 'not today');
  await page.getByRole('link', { name: 'Inbox 1', exact: true }).first().waitFor();
  await page.getByText(/declined carts:1 for production/).first().waitFor();
  assert.equal(await ballot(page, 'carts:1').approve.count(), 0);
  const moved_px = Math.abs((await top()) - before);
  assert(moved_px < 1, `what follows has moved by ${moved_px} px`);
  const lines = await saidOf();
  assert.equal(lines.length, 1, lines.join(' | '));
  assert.match(lines[0], /declined carts:1 for production/);
});

check('the server is killed and started again: three open tabs say so, come back and miss nothing', { weight: 3 }, async ({ serve, signIn }) => {
  const shop = await serve();
  const { waiting, passedGate, warned } = await fillShop(shop);
  const inbox = await signIn(shop, 'ada', { expected: unreachable });
  const tab = async (path) => {
    const page = await inbox.context().newPage();
    await page.goto(shop.origin + path);
    return page;
  };
  const sequence = await tab(`/bridge/project/${PROJECT}/sequence/${waiting}`);
  const list = await tab(`/bridge/project/${PROJECT}/sequence`);
  const tabs = [inbox, sequence, list];
  for (const page of tabs) {
    await isLive(page);
    await mark(page);
  }
  await ballot(inbox, 'catalogue:1.5.0').reason.fill('typed before it fell');
  await list.mouse.wheel(0, 400);
  await list.waitForFunction(() => scrollY > 100);
  const scroll = await list.evaluate(() => scrollY);

  await shop.server.crash();
  await Promise.all(tabs.map((page) => isLost(page, LOST_MS)));
  await shop.server.restart();
  const since = Date.now();
  await Promise.all(tabs.map((page) => isLive(page)));
  const back_ms = Date.now() - since;
  assert(back_ms < BACK_MS, `they are back after ${back_ms} ms`);

  await shop.decide(passedGate, 'approve');
  await reachProduction(shop, waiting);
  await heading(sequence, /has passed in production/).waitFor();
  await until('the inbox to be without it', async () => (await ballot(inbox, 'carts:1.5.0').approve.count()) === 0);
  const open = (await shop.approvals('open')).length;
  await inbox.getByRole('link', { name: `Inbox ${open}`, exact: true }).first().waitFor();
  assert.equal(await inbox.getByRole('button', { name: /^approve \S+ for /i }).count(), open);
  await isAsFresh(sequence);
  await isAsFresh(list);
  assert.equal(await ballot(inbox, 'catalogue:1.5.0').reason.inputValue(), 'typed before it fell');
  assert.equal(await list.evaluate(() => scrollY), scroll);
  for (const page of tabs) assert(await isSameDocument(page), 'no page was loaded again');
  assert.equal((await shop.approval(warned)).state, 'open');
});

check('the network goes for a minute and comes back: what happened meanwhile is there once, in order', { weight: 3 }, async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const first = await upToApproval(shop, 'carts:1.0.0');
  const page = await signIn(shop, 'ada', {
    next: `/bridge/project/${PROJECT}/sequence/${first.context}`,
    allowed: unreachable,
  });
  const list = await page.context().newPage();
  await list.goto(`${shop.origin}/bridge/project/${PROJECT}/sequence`);
  await page.clock.install();
  for (const tab of [page, list]) {
    await tab.reload();
    await isLive(tab);
    await mark(tab);
  }

  await page.context().setOffline(true);
  await shop.decide(first.id, 'approve');
  await reachProduction(shop, first.context);
  for (let index = 0; index < 3; index += 1) await upToApproval(shop, `catalogue:1.${index}.0`);
  for (let index = 0; index < 3; index += 1) await deliver(shop, `payment:1.${index}.0`);
  // It asks again and again, ever more rarely, while its own clock runs through a minute.
  for (let passed_ms = 0; passed_ms < AWAY_MS; passed_ms += RETRY_MS) await page.clock.fastForward(RETRY_MS);
  for (const tab of [page, list]) await isLost(tab);
  await page.context().setOffline(false);
  await Promise.all([page, list].map((tab) => isLive(tab, BACK_MS)));

  await heading(page, /has passed in production/).waitFor();
  await isAsFresh(page);
  await isAsFresh(list);
  const contexts = (tab) =>
    tab.getByRole('main').locator('a[href*="/sequence/"]').evaluateAll((links) => links.map((link) => link.pathname));
  const rows = await contexts(list);
  assert.equal(new Set(rows).size, 7, rows.join('\n'));
});
