// Points in time are right wherever the reader is, and whatever their clock says.

import assert from 'node:assert/strict';
import { ballot, isLive } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { ask, createShop, GATE, PROJECT } from '../sockshop.mjs';

const AHEAD_MS = 90_000;

/** What the first time on a card says: the point itself, and in words. */
const asked = (page, image) =>
  ballot(page, image).card.locator('time').first().evaluate((time) => ({
    at: time.dateTime,
    relative: time.querySelector('.rel').textContent,
    absolute: time.querySelector('.abs').textContent,
  }));

const inWords = (at, timeZone) =>
  new Intl.DateTimeFormat('en-GB', {
    day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone, timeZoneName: 'short',
  }).format(Date.parse(at));

for (const [name, zone] of Object.entries({
  'times are right in UTC': 'UTC',
  'times are right in Kolkata, half an hour off': 'Asia/Kolkata',
  'times are right in Los Angeles': 'America/Los_Angeles',
})) {
  check(name, async ({ serve, signIn }) => {
    const shop = await serve();
    await createShop(shop, PROJECT, GATE);
    const { askedAt } = await ask(shop, 'carts:1');
    const page = await signIn(shop, 'ada', { context: { timezoneId: zone } });
    await isLive(page);
    const { at, absolute } = await asked(page, 'carts:1');
    assert.equal(Math.floor(Date.parse(at) / 1000), Math.floor(Date.parse(askedAt) / 1000));
    assert.equal(absolute, inWords(askedAt, zone));
  });
}

check('in the night in which the clocks go back, an hour that comes twice is told apart', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  await ask(shop, 'carts:1');
  await ask(shop, 'catalogue:1');
  const page = await signIn(shop, 'ada', { context: { timezoneId: 'Europe/Berlin' } });
  await isLive(page);
  // 25 October 2026: 02:30 in Berlin is both 00:30 and 01:30 in UTC.
  const words = await page.evaluate(() => {
    const times = [...document.querySelectorAll('main article time')].slice(0, 2);
    times[0].dateTime = '2026-10-25T00:30:00Z';
    times[1].dateTime = '2026-10-25T01:30:00Z';
    document.dispatchEvent(new Event('swapped'));
    return times.map((time) => time.querySelector('.abs').textContent);
  });
  assert.match(words[0], /02:30:00 .*(CEST|GMT\+2)/);
  assert.match(words[1], /02:30:00 .*(CET|GMT\+1)/);
});

for (const [name, shift_ms] of Object.entries({
  'with a clock of the reader 90 s behind the server, nothing is in the future': -AHEAD_MS,
  'with a clock of the reader 90 s ahead of the server, nothing is older than it is': AHEAD_MS,
  'with a clock of the reader a day off, spans count by the server': 86_400_000,
})) {
  check(name, async ({ serve, signIn }) => {
    const shop = await serve();
    await createShop(shop, PROJECT, GATE);
    await ask(shop, 'carts:1');
    const page = await signIn(shop, 'ada', { allowed: [/ERR_INTERNET_DISCONNECTED/] });
    // The page's own clock, from before its scripts run.
    await page.clock.install({ time: Date.now() + shift_ms });
    await page.reload();
    await ballot(page, 'carts:1').approve.waitFor();
    const { relative } = await asked(page, 'carts:1');
    assert.match(relative, /^(just now|\d+ s ago)$/);
    // It goes on from there, also while the server cannot be asked what time it is.
    await page.context().setOffline(true);
    await page.clock.runFor(15 * 60_000);
    const later = await asked(page, 'carts:1');
    assert.match(later.relative, /^1[4-6] min( \d+ s)? ago$/);
    for (const word of await page.locator('main time .rel').allTextContents()) assert.doesNotMatch(word, /-|^in /);
  });
}
