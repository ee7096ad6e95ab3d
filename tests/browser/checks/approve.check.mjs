// The demo's release waits before production until a person lets it through, in every way a person may.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { tabTo } from '../bridge.mjs';
import { check, phone } from '../harness.mjs';
import { request } from '../http.mjs';

const PRODUCTION = /^\s*production\s+(http:\/\/\S+)\s/;

/** A demo whose release waits, and the address of what runs in production. */
async function waiting(start, args) {
  const server = await start(args);
  const line = await server.line(PRODUCTION);
  await server.line(/waits for you before production/);
  return { server, production: line.match(PRODUCTION)[1] };
}

const answerOf = async (address) => (await request(address)).text;

/** Asks until production answers with this version: a deployment takes its time. */
async function runs(production, version) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await answerOf(production).catch((error) => error.message);
    if (answer.includes(version)) return;
    assert(Date.now() < deadline, `production still answers ${answer}`);
  }
}

async function signIn(page) {
  await page.getByRole('button', { name: /sign in/i }).click();
  await page.getByRole('heading', { level: 1, name: /inbox/i }).waitFor();
}

const approveButton = (page) => page.getByRole('button', { name: /approve/i }).first();
const declineButton = (page) => page.getByRole('button', { name: /decline/i }).first();
const outcome = (page, words) => page.getByRole('heading', { level: 1, name: words }).waitFor();

check('by keyboard alone: sign in, approve, and production answers with the new version', async ({ start, open, screenshot }) => {
  const { server, production } = await waiting(start);
  assert.match(await answerOf(production), /v0\.1\.0/);
  const page = await open(server, server.link);
  await screenshot(page, 'sign-in');
  await tabTo(page, page.getByRole('button', { name: /sign in/i }));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: /inbox/i }).waitFor();
  await screenshot(page, 'inbox');
  await tabTo(page, approveButton(page));
  await page.keyboard.press('Enter');
  await outcome(page, /approved/i);
  await runs(production, 'v0.1.1');
  await screenshot(page, 'approved');
});

check('without scripts, on a phone, in the dark: decline needs no more than two presses', async ({ start, open, screenshot }) => {
  const { server, production } = await waiting(start);
  const page = await open(server, server.link, { screen: phone, dark: true, javaScript: false });
  await screenshot(page, 'phone-dark-sign-in');
  await signIn(page);
  await screenshot(page, 'phone-dark-inbox');
  const width = await page.evaluate(() => document.documentElement.scrollWidth).catch(() => phone.width);
  assert(width <= phone.width, `the page is ${width} px wide`);
  for (const button of [approveButton(page), declineButton(page)]) {
    const box = await button.boundingBox();
    assert(box.height >= 44, `a finger needs 44 px, not ${box.height}`);
    assert(box.x >= 0 && box.x + box.width <= phone.width, 'it is on the screen');
  }
  const reason = page.getByRole('textbox').first();
  await reason.fill('not on a Friday');
  await declineButton(page).click();
  await outcome(page, /declined/i);
  await screenshot(page, 'phone-dark-declined');
  assert.match(await page.textContent('body'), /not on a Friday/);
  assert.match(await answerOf(production), /v0\.1\.0/);
});

check('without scripts: approve from the sequence page itself', async ({ start, open, screenshot }) => {
  const { server, production } = await waiting(start);
  const page = await open(server, server.link, { javaScript: false });
  await signIn(page);
  await page.goto(new URL('/bridge/project/fulltour/sequence', server.origin).href);
  await screenshot(page, 'sequences');
  await page.locator('main a[href*="/sequence/"]').first().click();
  await screenshot(page, 'sequence-waiting');
  await approveButton(page).click();
  await outcome(page, /approved/i);
  await runs(production, 'v0.1.1');
});

check('the second of two people is told who decided, when and what', async ({ start, open, screenshot }) => {
  const { server } = await waiting(start);
  const ada = await open(server, server.link, { javaScript: false });
  await signIn(ada);
  // Chromium notes the refused form on its console.
  const expected = [/409/];
  const grace = await open(server, '/bridge/login', { javaScript: false, expected });
  await grace.context().addCookies(await ada.context().cookies());
  await grace.goto(new URL('/bridge/inbox', server.origin).href);
  await approveButton(ada).click();
  await outcome(ada, /approved/i);
  await grace.getByRole('textbox').first().fill('budget is spent');
  await declineButton(grace).click();
  await screenshot(grace, 'raced');
  const text = await grace.textContent('main');
  assert.match(text, /approved/);
  assert.match(text, /not used|not declined/i);
});

check('killed while it waits and started again, the release still waits and is decided once', async ({ start, open }) => {
  const { server } = await waiting(start);
  await server.crash();
  await server.restart();
  await server.line(/waits for you before production/);
  const production = (await server.line(PRODUCTION)).match(PRODUCTION)[1];
  assert.match(await answerOf(production), /v0\.1\.0/);
  const page = await open(server, server.link, { javaScript: false });
  await signIn(page);
  await approveButton(page).click();
  await outcome(page, /approved/i);
  await runs(production, 'v0.1.1');
  const token = (await readFile(`${server.data}/api-token`, 'utf8')).trim();
  const path = '/api/mongodb-datastore/event?project=fulltour&type=sh.keptn.event.approval.finished';
  const answer = await request(new URL(path, server.origin), { headers: { 'x-token': token } });
  assert.equal(JSON.parse(answer.text).events.length, 1, 'approval.finished exists once');
});
