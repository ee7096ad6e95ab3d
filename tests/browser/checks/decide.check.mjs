// A person decides: by pointer, with reasons, twice, and on a page that is no longer true.

import assert from 'node:assert/strict';
import { asked, ballot, decision, heading, isDone, isLive, isRead, isSameDocument, mark, sendForm } from '../bridge.mjs';
import { check, desktop } from '../harness.mjs';
import { tokens } from '../installation.mjs';
import { ask, createShop, fillShop, GATE, PROJECT, reachProduction, upToApproval } from '../sockshop.mjs';

check('signed in by token, the inbox counts what waits and shows the evidence of the first', { alone: true }, async ({ serve, open }) => {
  const shop = await serve();
  await fillShop(shop);
  const page = await open(shop, '/bridge/inbox');
  await heading(page, 'Sign in').waitFor();
  await page.getByLabel('API token').fill(tokens.ada);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await heading(page, /^inbox/i).waitFor();
  const count = (await shop.approvals('open')).length;
  await page.getByRole('link', { name: `Inbox ${count}`, exact: true }).first().waitFor();
  assert.match(await page.title(), new RegExp(`^\\(${count}\\) `));
  const [first] = await asked(page);
  assert(await isRead(ballot(page, first)), 'the evidence of the first is open');

  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await page.reload();
  const painted_ms = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const last = (list) => resolve(list.getEntries().at(-1).startTime);
        new PerformanceObserver(last).observe({ type: 'largest-contentful-paint', buffered: true });
      }),
  );
  assert(painted_ms < 1000, `the largest part is painted after ${painted_ms} ms on a slow phone's processor`);
});

check('approved with the pointer: the decision is shown, and an open page of the sequence moves on by itself', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const approval = await upToApproval(shop, 'carts:1.5.0');
  const page = await signIn(shop, 'ada', { screen: desktop });
  const watcher = await page.context().newPage();
  await watcher.goto(`${shop.origin}/bridge/project/${PROJECT}/sequence/${approval.context}`);
  await isLive(watcher);
  await mark(watcher);
  await ballot(page, 'carts:1.5.0').approve.click();
  await heading(page, 'You approved carts:1.5.0 for production').waitFor();
  const decided = await decision(shop, approval.id);
  assert.deepEqual(
    [decided.decision, decided.by, decided.seen],
    ['approve', { kind: 'person', name: 'ada' }, approval.subject],
  );
  await heading(watcher, /is waiting for an executor in production: deployment/).waitFor();
  assert(await isSameDocument(watcher), 'the page was not loaded again');
  await shop.open(PROJECT, approval.context, 'deployment', 'production');
});

check('declined without a reason: refused at the field; with one: the sequence ends', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const { id, context } = await upToApproval(shop, 'carts:1.5.0');
  const page = await signIn(shop, 'ada', { expected: [/422/] });
  const { decline, reason } = ballot(page, 'carts:1.5.0');
  await decline.click();
  // The browser asks for it before anything is sent.
  assert(await reason.evaluate((field) => field === document.activeElement && field.validity.valueMissing));
  assert.equal((await shop.approval(id)).state, 'open');
  // The server does not rely on that.
  await reason.evaluate((field) => (field.form.noValidate = true));
  await Promise.all([page.waitForNavigation(), decline.click()]);
  const refused = ballot(page, 'carts:1.5.0').reason;
  assert(await refused.evaluate((field) => field === document.activeElement), 'the focus is in the field');
  const described = await refused.evaluate((field) =>
    field.getAttribute('aria-describedby').split(' ').map((name) => document.getElementById(name)?.textContent).join(' '),
  );
  assert.match(described, /say why/i);
  assert.equal(await refused.getAttribute('aria-invalid'), 'true');
  assert.equal((await shop.approval(id)).state, 'open');

  await refused.fill('not on a Friday');
  await ballot(page, 'carts:1.5.0').decline.click();
  await heading(page, 'You declined carts:1.5.0 for production').waitFor();
  await page.getByText('Declined', { exact: true }).first().waitFor();
  await page.getByText('not on a Friday').first().waitFor();
  assert.equal((await decision(shop, id)).decision, 'decline');
  const [finished] = await shop.events(PROJECT, 'approval.finished', context);
  assert.equal(finished.data.result, 'fail');
  const deployments = await shop.events(PROJECT, 'deployment.triggered', context);
  assert.deepEqual(deployments.map((event) => event.data.stage).sort(), ['dev', 'staging']);
});

check('a double click, a key held down, a page from before and the same form again decide once', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  const [carts, catalogue, payment] = [
    await ask(shop, 'carts:1'),
    await ask(shop, 'catalogue:1'),
    await ask(shop, 'payment:1'),
  ];
  const page = await signIn(shop, 'ada');
  const inbox = page.url();
  const sent = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/decision')) sent.push(request);
  });

  await ballot(page, 'carts:1').approve.dblclick();
  await isDone(page, 'approved', 'carts:1');

  await page.goto(inbox);
  await ballot(page, 'catalogue:1').approve.focus();
  for (let repeat = 0; repeat < 5; repeat += 1) await page.keyboard.down('Enter');
  await page.keyboard.up('Enter');
  await isDone(page, 'approved', 'catalogue:1');

  // A page from before, that nothing has brought up to date.
  const { approve } = ballot(page, 'payment:1');
  await page.goto(inbox);
  const before = await signIn(shop, 'ada', { javaScript: false });
  await approve.click();
  await heading(page, 'You approved payment:1 for production').waitFor();
  const outcome = page.url();
  await ballot(before, 'payment:1').approve.click();
  await heading(before, 'You approved payment:1 for production').waitFor();
  assert.equal(before.url(), outcome, 'the outcome is the same page');

  // And the request itself, as a proxy or a debugger repeats it.
  const last = sent.at(-1);
  const again = await sendForm(page, last.url(), last.postData());
  assert.equal(again.status, 303);
  assert.equal(new URL(again.headers.location, shop.origin).href, outcome);
  for (const { id } of [carts, catalogue, payment]) assert.equal((await decision(shop, id)).decision, 'approve');
});

check('what runs there has changed since the page was loaded: nothing is sent, and it says was and now', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const first = await upToApproval(shop, 'carts:1.4.0');
  await shop.decide(first.id, 'approve');
  await reachProduction(shop, first.context);
  const older = await upToApproval(shop, 'carts:1.5.0');
  const newer = await upToApproval(shop, 'carts:1.5.1');

  const page = await signIn(shop, 'ada', { javaScript: false, expected: [/409/] });
  // A newer candidate that only waits is an approval of its own: a flag, no refusal.
  await ballot(page, 'carts:1.5.0').card.getByText(/newer candidate waits.*1\.5\.1/i).waitFor();
  await shop.decide(newer.id, 'approve');
  await reachProduction(shop, newer.context);
  await ballot(page, 'carts:1.5.0').approve.click();
  await heading(page, /not approved: this changed while you were looking/i).waitFor();
  const text = await page.getByRole('main').innerText();
  assert.match(text, /1\.4\.0.*1\.5\.1|1\.5\.1.*1\.4\.0/s);
  assert.match(text, /nothing was sent/i);
  assert.equal((await shop.approval(older.id)).state, 'open');
  assert.equal((await shop.events(PROJECT, 'approval.finished', older.context)).length, 0);

  await ballot(page, 'carts:1.5.0').approve.click();
  await heading(page, 'You approved carts:1.5.0 for production').waitFor();
  const { decided } = await shop.approval(older.id);
  assert.notEqual(decided.seen, older.subject, 'the decision names what is true now');
  await shop.open(PROJECT, older.context, 'deployment', 'production');
});
