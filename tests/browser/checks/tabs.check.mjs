// All tabs of a browser share one stream, and each of them stays true.

import assert from 'node:assert/strict';
import { check } from '../harness.mjs';

const TABS = 8;

const isLive = (page) => page.locator('#live[data-state=live]').waitFor();

/** Streams that are open now, of all tabs together. */
function countStreams(context) {
  const open = new Set();
  context.on('request', (request) => {
    if (request.url().includes('/bridge/live')) open.add(request);
  });
  for (const end of ['requestfailed', 'requestfinished']) context.on(end, (request) => open.delete(request));
  return open;
}

async function until(what, holds) {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    assert(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

check('eight tabs hold one stream, hear of the same decision, and hand the stream on', async ({ start, open }) => {
  const server = await start();
  await server.line(/waits for you before production/);
  const first = await open(server, server.link);
  const streams = countStreams(first.context());
  await first.getByRole('button', { name: /sign in/i }).click();
  await first.getByRole('heading', { level: 1, name: /inbox/i }).waitFor();
  const tabs = [first];
  for (const path of ['inbox', 'projects', 'project/fulltour/sequence', 'inbox', 'inbox', 'projects', 'inbox'].slice(0, TABS - 1)) {
    const tab = await first.context().newPage();
    await tab.goto(new URL(`/bridge/${path}`, server.origin).href);
    tabs.push(tab);
  }
  await Promise.all(tabs.map(isLive));
  await until(`one stream, not ${streams.size}`, () => streams.size === 1);

  const last = tabs.at(-1);
  await last.getByRole('button', { name: /approve/i }).first().click();
  await last.getByRole('heading', { level: 1, name: /approved/i }).waitFor();
  for (const tab of tabs.slice(0, -1)) await tab.locator('#count').waitFor({ state: 'hidden' });

  // The first tab holds the stream: whoever is next takes over.
  await first.close();
  await until(`one stream again, not ${streams.size}`, () => streams.size === 1);
  await Promise.all(tabs.slice(1).map(isLive));
});

check('signed out in one tab, the others show nothing any more', async ({ start, open }) => {
  const server = await start();
  await server.line(/waits for you before production/);
  const page = await open(server, server.link);
  await page.getByRole('button', { name: /sign in/i }).click();
  await page.getByRole('heading', { level: 1, name: /inbox/i }).waitFor();
  await isLive(page);
  const other = await page.context().newPage();
  await other.goto(new URL('/bridge/projects', server.origin).href);
  await isLive(other);
  await other.getByRole('button', { name: /sign out/i }).first().click();
  await page.getByRole('heading', { level: 1, name: /signed out/i }).waitFor();
  assert.doesNotMatch(await page.textContent('main'), /hello/);
  const again = page.getByRole('link', { name: /sign in again/i });
  assert.equal(await again.getAttribute('href'), '/bridge/login?next=%2Fbridge%2Finbox');
});
