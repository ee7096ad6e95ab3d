// Who is signed in, for how long, and what others cannot make of it.

import assert from 'node:assert/strict';
import { ballot, cookieOf, heading, isLive, sendForm } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { request } from '../http.mjs';
import { tokens } from '../installation.mjs';
import { ask, createShop, GATE, PROJECT } from '../sockshop.mjs';

const SESSION = 'tidegate_session';

const sessionOf = async (page) => (await page.context().cookies()).find(({ name }) => name === SESSION);

async function signInByToken(page, token = tokens.ada) {
  await page.getByLabel('API token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

check('a session that ends while a reason is typed: the text is there after the sign-in, and nothing was sent', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  const { id } = await ask(shop, 'carts:1');
  const page = await signIn(shop, 'ada', { allowed: [/40[13]/] });
  await isLive(page);
  await ballot(page, 'carts:1').reason.fill('not on a Friday');
  const other = await page.context().newPage();
  await other.goto(`${shop.origin}/bridge/me`);
  await other.getByRole('button', { name: 'Sign out' }).first().click();
  await heading(other, 'Sign in').waitFor();

  // The tab that was left says so by itself, and shows nothing any more.
  await heading(page, /signed out/i).waitFor({ timeout: 5_000 });
  assert.doesNotMatch(await page.getByRole('main').innerText(), /carts/);
  await page.getByRole('link', { name: /sign in again/i }).click();
  await signInByToken(page);
  await heading(page, /^inbox/i).waitFor();
  assert.equal(await ballot(page, 'carts:1').reason.inputValue(), 'not on a Friday');
  assert.equal((await shop.approval(id)).state, 'open', 'the action is asked again, never repeated');
});

check('a decision sent after the session has ended leads to the sign-in and back to its page, undone', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  const { id } = await ask(shop, 'carts:1');
  const page = await signIn(shop, 'ada', { javaScript: false });
  const elsewhere = await page.context().newPage();
  const session = await sessionOf(page);
  await elsewhere.goto(`${shop.origin}/bridge/me`);
  await elsewhere.getByRole('button', { name: 'Sign out' }).first().click();
  // The browser still has the cookie of a session that is over.
  await page.context().addCookies([session]);
  await ballot(page, 'carts:1').approve.click();
  await heading(page, 'Sign in').waitFor();
  await signInByToken(page);
  await page.waitForURL(`**/bridge/approval/${id}`);
  assert.equal((await shop.approval(id)).state, 'open');
});

check('after signing out, the way back shows nothing', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  await ask(shop, 'carts:1');
  const page = await signIn(shop, 'ada');
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await heading(page, 'Sign in').waitFor();
  await page.goBack();
  await heading(page, 'Sign in').waitFor();
  assert.doesNotMatch(await page.locator('body').innerText(), /carts/);
});

check('a page whose session is gone learns it from its stream', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  await ask(shop, 'carts:1');
  const page = await signIn(shop, 'ada');
  await page.context().clearCookies();
  // The page asks for a stream again, and for nothing else.
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await heading(page, 'You are signed out').waitFor();
  assert.doesNotMatch(await page.locator('body').innerText(), /carts/);
});

check('the cookie of a session: out of reach of scripts and other sites, new at each sign-in, and of no use afterwards', async ({ serve, open }) => {
  const shop = await serve();
  const page = await open(shop, '/bridge/login');
  const before = await sessionOf(page);
  assert(before.httpOnly && before.sameSite === 'Lax' && before.path === '/bridge', JSON.stringify(before));
  assert.doesNotMatch(await page.evaluate(() => document.cookie), /session/);
  await signInByToken(page);
  await heading(page, /^inbox/i).waitFor();
  const after = await sessionOf(page);
  assert.notEqual(after.value, before.value, 'whoever knew it before does not know it now');
  assert(after.httpOnly && after.sameSite === 'Lax');
  const inbox = (value) => request(`${shop.origin}/bridge/inbox`, { headers: { cookie: `${SESSION}=${value}` } });
  assert.equal((await inbox(after.value)).status, 200);
  for (const value of [before.value, 'chosen-by-somebody-else', '']) assert.equal((await inbox(value)).status, 303, value);

  // A cookie that somebody planted is not taken over. No page is open that would miss the one before.
  await page.goto('about:blank');
  await page.context().clearCookies();
  await page.context().addCookies([{ ...before, value: 'A'.repeat(before.value.length) }]);
  await page.goto(`${shop.origin}/bridge/login`);
  await signInByToken(page);
  await heading(page, /^inbox/i).waitFor();
  assert.notEqual((await sessionOf(page)).value, 'A'.repeat(before.value.length));

  const behindTls = await request(`${shop.origin}/bridge/login`, { headers: { 'x-forwarded-proto': 'https' } });
  assert.match(behindTls.headers['set-cookie'][0], /;\s*Secure/i);

  const last = (await sessionOf(page)).value;
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await heading(page, 'Sign in').waitFor();
  assert.equal((await inbox(last)).status, 303, 'signed out is over');
});

check('a sign-in link works once, and a page that fetches it does not use it up', async ({ serve, open }) => {
  const shop = await serve();
  const link = await shop.link('ada');
  // As a scanner of mail does.
  for (let time = 0; time < 3; time += 1) assert.equal((await request(shop.origin + link)).status, 200);
  const page = await open(shop, link, { expected: [/410/] });
  await page.getByRole('button', { name: 'Sign in as ada' }).click();
  await heading(page, /^inbox/i).waitFor();
  await page.goto(shop.origin + link);
  await page.getByText(/was used before/i).waitFor();
});

check('no page of the Bridge can be framed', async ({ serve, signIn }) => {
  const shop = await serve();
  const page = await signIn(shop, 'ada', { expected: [/frame-ancestors|Content Security Policy|X-Frame-Options/i], allowed: [/404/] });
  // A page of the same server, as near as another site can ever be.
  await page.goto(`${shop.origin}/nginx-health`);
  const frame = await page.evaluate(async (address) => {
    const element = document.createElement('iframe');
    element.src = address;
    document.body.append(element);
    await new Promise((loaded) => (element.onload = loaded));
    try {
      return element.contentDocument?.body?.textContent ?? '';
    } catch {
      return '';
    }
  }, `${shop.origin}/bridge/inbox`);
  assert.doesNotMatch(frame, /inbox/i);
});

check('a sign-in leads to pages of the Bridge and nowhere else', async ({ serve, open }) => {
  const shop = await serve();
  for (const next of [
    '//evil.example/bridge/', 'https://evil.example/', '/\\evil.example', '/bridge/..//evil.example', '/bridge/%2e%2e/%2e%2e//evil.example',
    'javascript:alert(1)', '/bridge/\\/evil.example', '/bridge//evil.example', '\t//evil.example', '/bridge/x%0d%0alocation:https://evil.example',
  ]) {
    const page = await open(shop, `/bridge/login?next=${encodeURIComponent(next)}`, { allowed: [/404/] });
    await signInByToken(page);
    await page.waitForURL((url) => !url.pathname.endsWith('/login'));
    const { origin, pathname } = new URL(page.url());
    assert.equal(origin, shop.origin, next);
    assert(pathname.startsWith('/bridge/'), `${next}: ${pathname}`);
    // The field of the form is no safer than the address.
    await page.goto('about:blank');
    await page.context().clearCookies();
    await page.goto(`${shop.origin}/bridge/login`);
    const csrf = await page.locator('input[name="csrf"]').inputValue();
    const answer = await sendForm(page, '/bridge/login', { csrf, next, token: tokens.ada });
    assert.match(answer.headers.location, /^\/bridge\/[^/\\]/, next);
    await page.context().close();
  }
});

check('wrong tokens are slowed down with a stated wait, and a right one never waits for them', async ({ serve, open }) => {
  const shop = await serve();
  const page = await open(shop, '/bridge/login', { allowed: [/401/, /429/] });
  const cookie = await cookieOf(page);
  const csrf = await page.locator('input[name="csrf"]').inputValue();
  const guess = () => sendForm(page, '/bridge/login', { csrf, token: 'a guess' }, { cookie });
  const answers = await Promise.all(Array.from({ length: 20 }, guess));
  const slowed = answers.filter(({ status }) => status === 429);
  assert(slowed.length >= 10, `${slowed.length} of 20 were slowed down`);
  for (const { headers } of slowed) assert(Number(headers['retry-after']) >= 1);
  // In a browser: the words, at the field.
  for (let guesses = 0; guesses < 4; guesses += 1) {
    await signInByToken(page, 'another guess');
    await page.getByText(/token is not known|too many wrong tokens/i).waitFor();
  }
  await signInByToken(page);
  await heading(page, /^inbox/i).waitFor();
});
