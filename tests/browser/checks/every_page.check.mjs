// What holds on every page: people who see badly, hear it, or zoom it can use it, in light and in dark.

import assert from 'node:assert/strict';
import { assertNotSideways } from '../bridge.mjs';
import { check, desktop, phone } from '../harness.mjs';
import { until } from '../installation.mjs';
import { noted, pages, prepare, reach } from '../pages.mjs';
import { painted } from '../pixels.mjs';

const THEMES = ['light', 'dark'];
const STYLE_LATE_MS = 300;

/** Somebody who is signed in, somebody in a new installation, and somebody who is not signed in. */
async function visit({ serve, signIn, open }, options) {
  const places = await prepare(serve);
  const how = { allowed: noted, ...options };
  const visitors = {
    ada: await signIn(places.shop, 'ada', how),
    first: await signIn(places.empty, 'ada', how),
    stranger: await open(places.shop, '/bridge/login', how),
  };
  return { places, visitors };
}

/** How bright the ground of a page is whose style sheet has not come; none before it has a body. */
async function bareGround(page) {
  const colour = await page.evaluate(() => {
    if (!document.body) return null;
    const patch = document.createElement('i');
    patch.style.color = 'Canvas';
    document.body.append(patch);
    const { color } = getComputedStyle(patch);
    patch.remove();
    return color;
  });
  if (!colour) return null;
  const [red, green, blue] = colour.match(/\d+/g).map(Number);
  return (red + green + blue) / (3 * 255);
}

for (const [name, screen] of Object.entries({
  'axe finds nothing on any page in either theme on a desktop': desktop,
  'axe finds nothing on any page in either theme on a phone': phone,
})) {
  check(name, { weight: 10, deadlineMs: 400_000 }, async (tools) => {
    const { places, visitors } = await visit(tools, { screen });
    for (const found of pages) {
      try {
        const page = await reach(found, places, visitors);
        assert.equal(await page.locator('h1:visible').count(), 1, 'one heading of the first level');
        // On a screen as tall as the page: what stays at the foot hides nothing.
        const height = await page.evaluate(() => document.scrollingElement.scrollHeight);
        await page.setViewportSize({ width: screen.width, height });
        for (const theme of THEMES) {
          await page.emulateMedia({ colorScheme: theme });
          await tools.accessible(page);
          await tools.screenshot(page, `${found.name}.${theme}.${screen.width}`);
        }
        await page.setViewportSize(screen);
        await assertNotSideways(page);
      } catch (error) {
        throw new Error(`${found.name}: ${error.message}`, { cause: error });
      }
    }
  });
}

check('every page says what it is: its title, its heading and the status of its answer', { weight: 4 }, async (tools) => {
  const { places, visitors } = await visit(tools, {});
  for (const found of pages) {
    let last;
    const note = (response) => {
      if (response.request().isNavigationRequest()) last = response.status();
    };
    for (const page of Object.values(visitors)) page.on('response', note);
    const page = await reach(found, places, visitors);
    for (const other of Object.values(visitors)) other.off('response', note);
    assert.equal(last, found.status ?? 200, found.name);
    assert.match(await page.title(), /\S.* · Tidegate$/, found.name);
    const text = await page.locator('h1:visible').innerText();
    assert.match(text, /\S/, found.name);
    assert.equal(await page.getByRole('main').count(), 1, found.name);
  }
});

check('in the dark nothing is light, not for a moment, and a choice in Me wins both ways', async ({ serve, signIn }) => {
  const shop = await serve();
  const page = await signIn(shop, 'ada', { dark: true, next: '/bridge/me', allowed: noted });
  // The style sheet comes late: whatever is painted before it is seen. Chromium paints nothing then and others
  // do, so it is asked for the ground that the page has by itself.
  let style = Promise.resolve();
  await page.route('**/*.css', async (route) => {
    await style;
    await route.continue();
  });
  const visit = async (path) => {
    let ground, comes;
    style = new Promise((resolve) => (comes = resolve));
    const pictures = await painted(page, async () => {
      await page.goto(shop.origin + path, { waitUntil: 'commit' });
      await until(`the body of ${path}`, async () => (ground = await bareGround(page)) !== null);
      setTimeout(comes, STYLE_LATE_MS);
      await page.waitForLoadState();
    });
    return [ground, ...pictures];
  };
  const choose = async (word) => {
    await page.goto(`${shop.origin}/bridge/me`);
    await page.getByLabel(word, { exact: true }).check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator(`html[data-theme="${word.toLowerCase()}"]`).waitFor();
    await page.waitForLoadState();
  };
  const assertAll = (lights, holds, what) => assert(lights.every(holds), `${what}: ${lights.map((light) => light.toFixed(2))}`);
  const isDark = (light) => light < 0.25;
  const isLight = (light) => light > 0.75;
  for (const path of ['/bridge/inbox', '/bridge/projects', '/bridge/nowhere']) assertAll(await visit(path), isDark, `the system is dark: ${path}`);
  await choose('Light');
  assertAll(await visit('/bridge/inbox'), isLight, 'light is chosen, the system is dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await choose('Dark');
  assertAll(await visit('/bridge/inbox'), isDark, 'dark is chosen, the system is light');
  // From a page without a stream: one that loses its session asks again, and Chromium notes the answer.
  await page.goto(`${shop.origin}/bridge/nowhere`);
  await page.context().clearCookies({ name: /session/i });
  assertAll(await visit('/bridge/login'), isDark, 'the choice outlives the session');
});

check('with forced colours, more contrast or reduced motion, states stay apart and nothing moves', async ({ serve, signIn }) => {
  const { shop } = await prepare(serve);
  const page = await signIn(shop, 'ada');
  const gallery = async (media) => {
    await page.emulateMedia(media);
    await page.goto(`${shop.origin}/bridge/dev/gallery`);
  };
  const chips = () =>
    page.locator('main .chip').evaluateAll((all) =>
      all.map((chip) => {
        const style = getComputedStyle(chip);
        const icon = chip.querySelector('svg');
        return {
          word: chip.textContent.trim(),
          icon: icon.querySelector('use').getAttribute('href'),
          border: style.borderTopStyle !== 'none' && parseFloat(style.borderTopWidth) > 0 && style.borderTopColor,
          drawn: icon.getBoundingClientRect().width > 0 && getComputedStyle(icon).stroke !== 'none',
        };
      }),
    );
  await gallery({ forcedColors: 'active' });
  const forced = await chips();
  assert(forced.length > 10);
  for (const { word, border, drawn } of forced) {
    assert(word && drawn, `${word}: an icon and a word`);
    assert(border && !/^rgba.*, 0\)$/.test(border), `${word}: a border that is seen, not ${border}`);
  }
  // A word has one icon, and the other way round.
  const pairs = new Set(forced.map(({ word, icon }) => `${word.replace(/[\d./ ]+$/, '')} ${icon}`));
  assert.equal(pairs.size, new Set(forced.map(({ word }) => word.replace(/[\d./ ]+$/, ''))).size, [...pairs].join());

  await gallery({ forcedColors: 'none', contrast: 'no-preference' });
  const quiet = () => page.locator('main .lead').first().evaluate((element) => getComputedStyle(element).color);
  const before = await quiet();
  await gallery({ contrast: 'more' });
  assert.notEqual(await quiet(), before, 'what is quiet speaks up');

  await gallery({ contrast: 'no-preference', reducedMotion: 'reduce' });
  for (const path of ['/bridge/dev/gallery', '/bridge/inbox', `/bridge/projects`]) {
    await page.goto(shop.origin + path);
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll('*')]
        .filter((element) => {
          const { transitionDuration, animationDuration } = getComputedStyle(element);
          return [transitionDuration, animationDuration].some((all) => all.split(', ').some((one) => parseFloat(one) > 0));
        })
        .map((element) => element.className),
    );
    assert.deepEqual(moving, [], path);
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0, path);
  }
});

check('a card is read in order: what, from where to where, why, the reason between the two buttons', async ({ serve, signIn }) => {
  const { shop } = await prepare(serve);
  const page = await signIn(shop, 'ada');
  const card = page.getByRole('article').filter({ has: page.getByRole('button', { name: 'Approve catalogue:1.5.0 for production' }) });
  const tree = await card.ariaSnapshot();
  let from = 0;
  for (const wanted of [
    /^- article "catalogue to production"/,
    /heading "catalogue to production"/,
    /text: Warning/,
    /term: Runs now\n.*\n\s*- code: "?catalogue: ?1\.4\.11/,
    /term: Would run\n.*\n\s*- code: "?catalogue: ?1\.5\.0/,
    /Deploys\n\s*- code: catalogue:1\.5\.0/,
    /ci-main \(machine\)/,
    /The result is a warning: approving needs a reason/,
    /button "Decline catalogue:1\.5\.0 for production"/,
    /textbox "Reason for catalogue:1\.5\.0, production"/,
    /button "Approve catalogue:1\.5\.0 for production"/,
    /A reason is needed either way/,
  ]) {
    const found = tree.slice(from).match(wanted);
    assert(found, `${wanted} comes next in\n${tree}`);
    from += found.index + found[0].length;
  }
});
