// The page of a sequence shows what was recorded, and controls it.

import assert from 'node:assert/strict';
import { ballot, decision, heading, isLive, isSameDocument, mark } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { until } from '../installation.mjs';
import { createShop, deliver, PROJECT, upToApproval } from '../sockshop.mjs';

const page_of = (shop, context) => `${shop.origin}/bridge/project/${PROJECT}/sequence/${context}`;

check('what runs, waits, is paused or was given up is called that, in the list and on its page', async ({ serve, signIn }) => {
  const shop = await serve({ tasks: '2s' });
  await createShop(shop);
  const kept = await deliver(shop, 'carts:1.0.0');
  await shop.take(await shop.open(PROJECT, kept, 'deployment'));
  const queued = await deliver(shop, 'carts:1.0.1');
  const paused = await deliver(shop, 'payment:1.0.0');
  await shop.take(await shop.open(PROJECT, paused, 'deployment'));
  await shop.control(PROJECT, paused, 'pause');
  const given_up = await deliver(shop, 'catalogue:1.0.0');
  const page = await signIn(shop, 'ada', { next: `/bridge/project/${PROJECT}/sequence/${given_up}` });
  await heading(page, /timed out in dev: .*deployment/i).waitFor();
  await page.getByText('Timed out', { exact: true }).first().waitFor();
  assert.equal((await shop.sequence(PROJECT, given_up)).state, 'timedOut');

  const words = { [kept]: 'Running', [queued]: 'Queued', [paused]: 'Paused', [given_up]: 'Timed out' };
  await page.goto(`${shop.origin}/bridge/project/${PROJECT}/sequence`);
  for (const [context, word] of Object.entries(words)) {
    const row = page.getByRole('main').getByRole('listitem').filter({ has: page.locator(`a[href$="${context}"]`) });
    await row.getByText(word, { exact: true }).first().waitFor();
  }
  for (const [context, word] of Object.entries(words)) {
    await page.goto(page_of(shop, context));
    await page.getByText(word, { exact: true }).first().waitFor();
  }
});

check('pause, resume and abort do what the API says they did, on a page that is not loaded again', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const running = await deliver(shop, 'payment:1.0.0');
  const task = await shop.open(PROJECT, running, 'deployment');
  await shop.take(task);
  const page = await signIn(shop, 'ada', { next: `/bridge/project/${PROJECT}/sequence/${running}` });
  const watcher = await page.context().newPage();
  await watcher.goto(page.url());
  await isLive(watcher);
  await mark(watcher);
  const state = async () => (await shop.sequence(PROJECT, running)).state;

  await page.getByRole('button', { name: /^pause/i }).click();
  await page.getByRole('button', { name: /^resume/i }).waitFor();
  assert.equal(await state(), 'paused');
  await watcher.getByRole('button', { name: /^resume/i }).waitFor();
  // What runs may end; nothing follows it.
  await shop.finish(task);
  const open = `/api/controlPlane/v1/event/triggered/sh.keptn.event.test.triggered?project=${PROJECT}`;
  assert.equal((await shop.call('GET', open)).events.length, 0);
  await page.getByRole('button', { name: /^resume/i }).click();
  await page.getByRole('button', { name: /^pause/i }).waitFor();
  await shop.take(await shop.open(PROJECT, running, 'test'));
  assert.equal(await state(), 'started');

  // It asks first, in a dialog that says what is under way and what stays as it is.
  const link = page.getByRole('link', { name: /^abort/i });
  await link.click();
  const dialog = page.getByRole('dialog', { name: 'Abort delivery of payment:1.0.0?' });
  await dialog.getByText(/\btest in dev\b/).first().waitFor();
  await dialog.getByText(/does not roll back/i).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert(await link.evaluate((one) => one === document.activeElement), 'the focus is back where it was');
  await page.keyboard.press('X');
  await dialog.getByRole('link', { name: 'Keep it running' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await state(), 'started', 'nothing is done before it is confirmed');
  await page.keyboard.press('X');
  await dialog.getByRole('button', { name: /^abort/i }).click();
  await heading(page, /aborted (in dev )?by you/i).waitFor();
  assert.equal(await state(), 'aborted');
  await heading(watcher, /aborted (in dev )?by you/i).waitFor();
  assert(await isSameDocument(watcher));
});

check('an approval of a sequence that is aborted closes on the open page, and a form from before is refused', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const { id, context } = await upToApproval(shop, 'carts:1.5.0');
  const stale = await signIn(shop, 'grace', { javaScript: false, next: `/bridge/approval/${id}`, expected: [/409/] });
  const page = await signIn(shop, 'ada', { next: `/bridge/project/${PROJECT}/sequence/${context}` });
  await isLive(page);
  await shop.control(PROJECT, context, 'abort');
  await page.getByText(/closed, undecided/i).first().waitFor();
  assert.equal(await page.getByRole('button', { name: /^approve \S+ for /i }).count(), 0);
  await ballot(stale, 'carts:1.5.0').approve.click();
  await heading(stale, /nobody has to decide this any more/i).waitFor();
  assert.equal((await shop.approval(id)).state, 'closed');
});

check('a decision on the page of the sequence itself', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const { id, context } = await upToApproval(shop, 'carts:1.5.0');
  const page = await signIn(shop, 'ada', { next: `/bridge/project/${PROJECT}/sequence/${context}` });
  await heading(page, /carts:1\.5\.0 (needs approval|is waiting for approval)/i).waitFor();
  await page.getByRole('button', { name: 'Approve carts:1.5.0 for production' }).click();
  await heading(page, 'You approved carts:1.5.0 for production').waitFor();
  await decision(shop, id);
  await until('production to be deployed to', () => shop.open(PROJECT, context, 'deployment', 'production'));
});

check('run again, it is a new sequence with the same image, and each page says where the other is', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const first = await deliver(shop, 'carts:1.5.0');
  await shop.control(PROJECT, first, 'abort');
  const page = await signIn(shop, 'ada', { next: `/bridge/project/${PROJECT}/sequence/${first}` });
  await page.getByRole('link', { name: /^re-run/i }).click();
  await heading(page, /^re-run delivery of carts/i).waitFor();
  await page.getByRole('button', { name: /from the start/i }).click();
  await page.waitForURL((url) => /\/sequence\/[0-9a-f-]{36}$/.test(url.pathname) && !url.pathname.endsWith(first));
  const second = new URL(page.url()).pathname.split('/').at(-1);
  const [event] = await shop.events(PROJECT, 'dev.delivery.triggered', second);
  assert.equal(event.data.configurationChange.values.image, 'carts:1.5.0');
  assert.deepEqual(event.data.labels, (await shop.events(PROJECT, 'dev.delivery.triggered', first))[0].data.labels);
  await page.getByRole('link', { name: first.slice(-8) }).click();
  await page.waitForURL((url) => url.pathname.endsWith(first));
  await page.getByRole('link', { name: second.slice(-8) }).click();
  await page.waitForURL((url) => url.pathname.endsWith(second));
});
