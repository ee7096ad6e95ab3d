// The page of a sequence shows what was recorded, and controls it.

import assert from 'node:assert/strict';
import { ballot, decision, heading, isLive, isSameDocument, mark } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { until } from '../installation.mjs';
import { createShop, deliver, fillShop, PROJECT, upToApproval } from '../sockshop.mjs';

/** What is shorter can still be seen. */
const LEAST_PX = 3;

const page_of = (shop, context) => `${shop.origin}/bridge/project/${PROJECT}/sequence/${context}`;

/** A span as the page writes it, in milliseconds: `1 min 2 s`, `17 ms`. */
function milliseconds(text) {
  const units = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
  const parts = [...text.matchAll(/(\d+) (ms|s|min|h|d)\b/g)];
  assert(parts.length > 0, `${text} is a span`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit], 0);
}

check('the bars of a sequence are where its events were, to the pixel', { weight: 2 }, async ({ serve, signIn }) => {
  const shop = await serve();
  const { passed, failed } = await fillShop(shop);
  const page = await signIn(shop, 'ada');
  for (const context of [passed, failed]) {
    await page.goto(page_of(shop, context));
    const { start: from, length } = await page.locator('[data-start]').first().evaluate(({ dataset }) => ({
      start: Number(dataset.start),
      length: Number(dataset.length),
    }));
    let compared = 0;
    for (const task of ['deployment', 'test', 'evaluation', 'approval', 'release']) {
      const [triggered, started, finished] = await Promise.all(
        ['triggered', 'started', 'finished'].map((phase) => shop.events(PROJECT, `${task}.${phase}`, context)),
      );
      for (const event of triggered) {
        const of = (events) => Date.parse(events.find(({ triggeredid }) => triggeredid === event.id).time);
        // A person begins to be asked when the task is triggered, an executor works from its `.started`.
        const [start, end] = [task === 'approval' ? Date.parse(event.time) : of(started), of(finished)];
        assert(start >= from - 1 && end <= from + length + 1, `${task} lies on the scale`);
        const row = page.locator(`[id="t-${event.id}"]`);
        const bar = await row.locator('svg.bar').first().evaluate((svg) => {
          const whole = svg.getBoundingClientRect();
          const parts = [...svg.querySelectorAll('rect.work, rect.ask')].map((rect) => rect.getBoundingClientRect());
          const left = Math.min(...parts.map((part) => part.left));
          return { left: left - whole.left, width: Math.max(...parts.map((part) => part.right)) - left, whole: whole.width };
        });
        const px = (span_ms) => (span_ms / length) * bar.whole;
        assert(Math.abs(bar.left - px(start - from)) <= 1, `${task} begins at ${bar.left} px, not ${px(start - from)} px`);
        const width = Math.max(px(end - start), LEAST_PX);
        assert(Math.abs(bar.width - width) <= 1, `${task} is ${bar.width} px long, not ${width} px`);
        const took = await row.locator('.took').first().innerText();
        const spent_ms = [end - start, end - Date.parse(event.time)];
        assert(spent_ms.some((spent) => Math.abs(milliseconds(took) - spent) <= 2), `${task} took ${took}, not ${spent_ms} ms`);
        compared += 1;
      }
    }
    assert(compared >= 2, `${compared} bars were compared`);
  }
});

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
