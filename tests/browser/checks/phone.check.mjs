// The Bridge under a thumb.

import assert from 'node:assert/strict';
import { assertFocusSeen, assertNotSideways, ballot, decision, heading, isDone, isLive, isRead } from '../bridge.mjs';
import { check, landscape, phone } from '../harness.mjs';
import { createShop, fillShop, PROJECT, upToApproval } from '../sockshop.mjs';

const FINGER_PX = 44;
const TAPS_MAX = 3;
const BYTES_MAX = 150_000;
const JOURNEY_MS = 15_000;
/** A phone at the edge of the cell: what Lighthouse calls slow 4G, with its latency as it is felt. */
const SLOW_4G = { offline: false, latency: 562.5, downloadThroughput: 180_000, uploadThroughput: 84_375 };

/** Fails where something that is pressed is too small. Links within a sentence are as high as it is. */
async function assertFingerSized(page) {
  const small = await page.evaluate((least) => {
    const pressed = document.querySelectorAll('button, summary, textarea, select, nav a, a.button, input:not([type="hidden"])');
    return [...pressed]
      .map((element) => {
        // A press on the label is a press on its field.
        const area = element.matches('input[type="radio"], input[type="checkbox"]') ? (element.closest('label') ?? element) : element;
        return { element, box: area.getBoundingClientRect() };
      })
      .filter(({ box }) => box.width > 0 && box.height > 0)
      // A link of one short word is as wide as its word.
      .filter(({ element, box }) => Math.round(box.height) < least || (!element.matches('a') && Math.round(box.width) < least))
      .map(({ element, box }) => `${element.localName} “${element.textContent.trim()}”: ${box.width} × ${box.height} px`);
  }, FINGER_PX);
  assert.deepEqual(small, [], page.url());
}

/** The highest point of what stays at the foot of the screen, whatever is scrolled. */
const barTop = (page) =>
  page.evaluate(() => {
    const fixed = [...document.querySelectorAll('body *')].filter((element) => {
      const box = element.getBoundingClientRect();
      const stays = ['fixed', 'sticky'].includes(getComputedStyle(element).position);
      return stays && box.height > 0 && box.width > 200 && Math.abs(box.bottom - innerHeight) < 2;
    });
    return Math.min(innerHeight, ...fixed.map((element) => element.getBoundingClientRect().top));
  });

check('on a phone: everything that is pressed is as large as a finger, and nothing goes sideways', async ({ serve, signIn }) => {
  const shop = await serve();
  const { waiting, running, passedGate } = await fillShop(shop);
  const page = await signIn(shop, 'ada', { screen: phone });
  const paths = [
    '/bridge/inbox', '/bridge/projects', '/bridge/me',
    `/bridge/project/${PROJECT}`, `/bridge/project/${PROJECT}/sequence`,
    `/bridge/project/${PROJECT}/sequence/${waiting}`, `/bridge/project/${PROJECT}/sequence/${running}/abort`,
    `/bridge/approval/${passedGate}`,
  ];
  for (const path of paths) {
    await page.setViewportSize(phone);
    await page.goto(shop.origin + path);
    for (const summary of await page.locator('main summary:visible').all()) await summary.evaluate((element) => (element.parentElement.open = true));
    await assertFingerSized(page);
    await assertNotSideways(page);
    // 320 px is also what is left of a desktop at 400 %.
    await page.setViewportSize({ width: 320, height: 256 });
    await assertNotSideways(page);
  }
});

check('on a phone: approve and decline by touch, above the bar at the foot', async ({ serve, signIn }) => {
  const shop = await serve();
  const { passedGate, ofAda } = await fillShop(shop);
  const page = await signIn(shop, 'ada', { screen: phone });
  const { approve, decline } = ballot(page, 'carts:1.5.0');
  for (const button of [approve, decline]) {
    await button.scrollIntoViewIfNeeded();
    const box = await button.boundingBox();
    const bar = await barTop(page);
    assert(box.y + box.height <= bar, `a button ends at ${box.y + box.height} px, the bar begins at ${bar} px`);
  }
  const [left, right] = [await decline.boundingBox(), await approve.boundingBox()];
  assert(left.y !== right.y || left.x + left.width < right.x, 'decline is left of approve, or above it');
  await approve.tap();
  await isDone(page, 'approved', 'carts:1.5.0');
  await decision(shop, passedGate);

  await ballot(page, 'carts:1.5.1').reason.tap();
  await page.keyboard.type('not on a Friday');
  await ballot(page, 'carts:1.5.1').decline.tap();
  await isDone(page, 'declined', 'carts:1.5.1');
  await decision(shop, ofAda);
});

check('a phone on its side with the keyboard open: the reason and both buttons can be reached', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  await upToApproval(shop, 'carts:1.5.0');
  const page = await signIn(shop, 'ada', { screen: landscape });
  const { reason, approve, decline } = ballot(page, 'carts:1.5.0');
  await reason.tap();
  // What a keyboard leaves of the screen.
  await page.setViewportSize({ width: landscape.width, height: 180 });
  await reason.evaluate((field) => field.scrollIntoView({ block: 'nearest' }));
  await assertFocusSeen(page);
  await page.keyboard.type('not on a Friday');
  for (const button of [decline, approve]) {
    await button.focus();
    await page.keyboard.press('Shift');
    await assertFocusSeen(page);
    const box = await button.boundingBox();
    assert(box.y >= 0 && box.y + box.height <= (await barTop(page)), 'all of the button is seen');
  }
});

check('at night, by phone, from a link to a decision: three taps, 150 kB, 15 s on slow 4G', { alone: true }, async ({ serve, open }) => {
  const shop = await serve();
  await fillShop(shop);
  const approval = await upToApproval(shop, 'payment:2.0.0', { project: await other(shop) });
  const page = await open(shop, 'about:blank', { screen: phone });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  await devtools.send('Network.emulateNetworkConditions', SLOW_4G);
  let bytes = 0;
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  devtools.on('Network.responseReceived', ({ response }) => (bytes += response.encodedDataLength));

  const start = Date.now();
  let taps = 1; // the link in the notification
  const next = encodeURIComponent(`/bridge/approval/${approval.id}`);
  await page.goto(`${shop.origin}${await shop.link('ada')}&next=${next}`);
  await page.getByRole('button', { name: 'Sign in as ada' }).tap();
  taps += 1;
  const found = ballot(page, 'payment:2.0.0');
  await found.evidence.getByText(/96\/100/).first().waitFor();
  assert(await isRead(found), 'the evidence needs no tap of its own');
  await found.approve.tap();
  taps += 1;
  await heading(page, 'You approved payment:2.0.0 for production').waitFor();
  const spent_ms = Date.now() - start;
  console.log(`  ${taps} taps, ${(bytes / 1000).toFixed(0)} kB, ${(spent_ms / 1000).toFixed(1)} s`);
  assert(taps <= TAPS_MAX);
  assert(bytes <= BYTES_MAX, `${bytes} bytes`);
  assert(spent_ms <= JOURNEY_MS, `${spent_ms} ms`);
  await isLive(page);
  await decision(shop, approval.id);
});

/** A project with nothing under way. */
async function other(shop) {
  await createShop(shop, 'night');
  return 'night';
}
