// The page about the API: read at a desk, on a phone, in the dark, and without scripts.

import assert from 'node:assert/strict';
import { check, desktop, phone } from '../harness.mjs';
import { request } from '../http.mjs';

const SERVE = ['serve', '--data-dir', '{data}', '--listen', '127.0.0.1:0'];
const PAGE = '/api/swagger-ui/';

/** Opens all that can be opened, so that everything is looked at. */
const unfold = (page) =>
  page.evaluate(() => document.querySelectorAll('details').forEach((fold) => (fold.open = true)));

for (const [name, options] of [
  ['at a desk', { screen: desktop }],
  ['on a phone in the dark', { screen: phone, dark: true }],
]) {
  check(`the page about the API, ${name}, is accessible and no wider than the screen`, async ({ start, open, accessible, screenshot }) => {
    const server = await start(SERVE);
    const page = await open(server, PAGE, options);
    await screenshot(page, `api-${options.dark ? 'phone-dark' : 'desktop'}`);
    await unfold(page);
    await accessible(page);
    const { width } = options.screen;
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
  });
}

check('without scripts, a link opens the operation that it names, and its command asks the server', async ({ start, open, screenshot }) => {
  const server = await start(SERVE);
  const page = await open(server, `${PAGE}#getMetadata`, { screen: phone, javaScript: false });
  const operation = page.locator('#getMetadata');
  await operation.waitFor({ state: 'visible' });
  await screenshot(page, 'api-operation-phone');
  const command = await operation.locator('pre').first().innerText();
  assert.match(command, /curl .*x-token: \$TIDEGATE_API_TOKEN/s);
  const target = command.match(/"\$TIDEGATE_ENDPOINT(\/[^"]*)"/)[1];
  const answer = await request(new URL(target, server.origin));
  assert.equal(answer.status, 401, 'it is there, and wants a token');
  await page.getByRole('link', { name: 'Metadata', exact: true }).first().click();
  await page.locator('#schema-Metadata').waitFor({ state: 'visible' });
});
