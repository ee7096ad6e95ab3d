// Everything works in a browser that runs no scripts: pages, forms, links.

import assert from 'node:assert/strict';
import { ballot, decision, heading, isRead } from '../bridge.mjs';
import { check, phone } from '../harness.mjs';
import { fillShop, GATE, PROJECT } from '../sockshop.mjs';

const javaScript = false;

check('without scripts: sign in, filter, read the evidence, approve and decline', async ({ serve, signIn }) => {
  const shop = await serve();
  const { passedGate, warned } = await fillShop(shop);
  const page = await signIn(shop, 'grace', { javaScript });
  await heading(page, /^inbox/i).waitFor();

  const warning = ballot(page, 'catalogue:1.5.0');
  assert.equal(await isRead(warning), false);
  for (const summary of await warning.evidence.locator('summary').all()) await summary.click();
  assert(await isRead(warning));
  await warning.evidence.getByText(/warning\s+78\/100/i).first().waitFor();

  await ballot(page, 'carts:1.5.0').approve.click();
  await heading(page, 'You approved carts:1.5.0 for production').waitFor();
  assert.equal((await decision(shop, passedGate)).decision, 'approve');

  // A warning wants a reason, either way.
  await page.goto(`${shop.origin}/bridge/inbox`);
  await ballot(page, 'catalogue:1.5.0').approve.click();
  assert.equal((await shop.approval(warned)).state, 'open');
  await ballot(page, 'catalogue:1.5.0').reason.fill('only the search is slower');
  await ballot(page, 'catalogue:1.5.0').approve.click();
  await heading(page, 'You approved catalogue:1.5.0 for production').waitFor();
  assert.equal((await decision(shop, warned)).comment, 'only the search is slower');

  await page.goto(`${shop.origin}/bridge/inbox`);
  await ballot(page, 'carts:1.5.1').reason.fill('not on a Friday');
  await ballot(page, 'carts:1.5.1').decline.click();
  await heading(page, 'You declined carts:1.5.1 for production').waitFor();
});

check('without scripts: pause, resume and abort, asked before it is done', async ({ serve, signIn }) => {
  const shop = await serve();
  const { running } = await fillShop(shop);
  const page = await signIn(shop, 'ada', { javaScript, next: `/bridge/project/${PROJECT}/sequence/${running}` });
  const state = async () => (await shop.sequence(PROJECT, running)).state;
  await page.getByRole('button', { name: /^pause/i }).click();
  await page.getByRole('button', { name: /^resume/i }).waitFor();
  assert.equal(await state(), 'paused');
  await page.getByRole('button', { name: /^resume/i }).click();
  await page.getByRole('button', { name: /^pause/i }).waitFor();
  assert.equal(await state(), 'started');
  await page.getByRole('link', { name: /^abort/i }).click();
  await heading(page, /^abort delivery of carts/i).waitFor();
  await page.getByText(/deployment/).first().waitFor();
  assert.equal(await state(), 'started', 'nothing is done before it is confirmed');
  await page.getByRole('button', { name: /^abort/i }).click();
  await heading(page, /aborted (in dev )?by you/i).waitFor();
  assert.equal(await state(), 'aborted');
});

check('without scripts: create a project and a service, trigger a sequence, decide on the gate', async ({ serve, signIn }) => {
  const shop = await serve();
  const page = await signIn(shop, 'ada', { javaScript, next: '/bridge/create/project' });
  await page.getByLabel('Name', { exact: true }).fill(PROJECT);
  await page.getByLabel('Shipyard', { exact: true }).fill(GATE);
  await page.getByRole('button', { name: 'Create project' }).click();
  await page.waitForURL(`**/bridge/project/${PROJECT}*`);
  await shop.call('POST', `/api/controlPlane/v1/project/${PROJECT}/service`, { serviceName: 'carts' });

  await page.goto(`${shop.origin}/bridge/project/${PROJECT}/trigger`);
  await page.getByLabel('Sequence', { exact: true }).selectOption({ index: 1 });
  await page.getByLabel('Service', { exact: true }).selectOption('carts');
  await page.getByLabel('Image', { exact: true }).fill('carts:1.0.0');
  await page.getByRole('button', { name: 'Trigger', exact: true }).click();
  await heading(page, /carts:1\.0\.0 .*waiting for approval/i).waitFor();
  const [{ id }] = await shop.approvals('open');

  await page.goto(`${shop.origin}/bridge/project/${PROJECT}`);
  await page.getByRole('button', { name: /^approve/i }).first().click();
  await heading(page, 'You approved carts:1.0.0 for production').waitFor();
  assert.equal((await decision(shop, id)).decision, 'approve');
});

check('without scripts: lists, filters, settings and the way out', async ({ serve, signIn }) => {
  const shop = await serve();
  await fillShop(shop);
  const page = await signIn(shop, 'ada', { javaScript, next: '/bridge/projects' });
  await heading(page, 'Projects').waitFor();
  await page.getByRole('main').getByRole('link', { name: new RegExp(PROJECT) }).first().click();
  await page.getByRole('link', { name: 'Sequences', exact: true }).first().click();
  const rows = () => page.getByRole('main').locator('a[href*="/sequence/"]').count();
  const all = await rows();
  assert(all >= 40, `${all} rows`);

  await page.goto(`${shop.origin}/bridge/me`);
  await page.getByLabel('Dark').check();
  await page.getByRole('button', { name: 'Save' }).click();
  assert(await page.getByLabel('Dark').isChecked());
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await heading(page, 'Sign in').waitFor();
  await page.goto(`${shop.origin}/bridge/inbox`);
  await heading(page, 'Sign in').waitFor();
});

check('without scripts times are absolute, with the zone they are in', async ({ serve, signIn }) => {
  const shop = await serve();
  const { passed, waiting } = await fillShop(shop);
  const page = await signIn(shop, 'ada', { javaScript });
  const paths = ['/bridge/inbox', '/bridge/projects', `/bridge/project/${PROJECT}/sequence`];
  for (const context of [passed, waiting]) paths.push(`/bridge/project/${PROJECT}/sequence/${context}`);
  for (const screen of [null, phone]) {
    if (screen) await page.setViewportSize(screen);
    for (const path of paths) {
      await page.goto(shop.origin + path);
      const times = await page.locator('main time:visible').all();
      assert(times.length > 0, `${path} shows times`);
      const texts = new Set(await Promise.all(times.map((time) => time.innerText())));
      for (const text of texts) assert.match(text, /\d{1,2} \w{3} \d{4}, \d\d:\d\d:\d\d UTC/, `${path}: ${text}`);
    }
  }
});
