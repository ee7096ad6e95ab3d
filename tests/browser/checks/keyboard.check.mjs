// The Bridge by keyboard alone.

import assert from 'node:assert/strict';
import { approveButtons, asked, assertFocusSeen, ballot, decision, heading, isDone, isLive, isRead, tabTo } from '../bridge.mjs';
import { check, desktop, phone } from '../harness.mjs';
import { ask, createShop, fillShop, GATE, PROJECT } from '../sockshop.mjs';

/** Seconds of a person: for a key press, and for a look at what it did (the keystroke-level model). */
const PRESS_S = 0.28;
const LOOK_S = 1.35;
/** At the evidence, and at the outcome. */
const LOOKS = 2;
const ROUND_S = 60;

/** What the card is about that has the focus. */
async function focused(page) {
  const card = page.locator('article:focus');
  return (await card.count()) ? (await asked(card))[0] : null;
}

check('from the sign-in to a decision without a pointer, and the focus is always seen', async ({ serve, open }) => {
  const shop = await serve();
  await fillShop(shop);
  const page = await open(shop, await shop.link('ada'));
  await tabTo(page, page.getByRole('button', { name: 'Sign in as ada' }));
  await page.keyboard.press('Enter');
  await heading(page, /^inbox/i).waitFor();
  await isLive(page);
  await page.keyboard.press('g');
  await page.keyboard.press('p');
  await heading(page, 'Projects').waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('i');
  await heading(page, /^inbox/i).waitFor();
  const [first, second] = await asked(page);

  await page.keyboard.press('j');
  assert.equal(await focused(page), first);
  await assertFocusSeen(page);
  await page.keyboard.press('j');
  assert.equal(await focused(page), second);
  await assertFocusSeen(page);
  assert.equal(await isRead(ballot(page, second)), false);
  await page.keyboard.press('e');
  assert(await isRead(ballot(page, second)));
  await page.keyboard.press('d');
  assert(await ballot(page, second).reason.evaluate((field) => field === document.activeElement));
  await assertFocusSeen(page);
  await page.keyboard.press('Escape');
  assert.equal(await focused(page), second);
  const { id } = (await shop.approvals('open')).find(({ image }) => image === second);
  await page.keyboard.press('a');
  assert.deepEqual((await decision(shop, id)).by, { kind: 'person', name: 'ada' });
});

check('arrows and brackets walk from stage to stage', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const page = await signIn(shop, 'ada', { next: `/bridge/project/${PROJECT}` });
  await isLive(page);
  for (const [key, stage] of [
    ['ArrowRight', 'dev'],
    ['ArrowRight', 'staging'],
    [']', 'production'],
    ['ArrowRight', 'production'],
    ['ArrowLeft', 'staging'],
    ['[', 'dev'],
  ]) {
    await page.keyboard.press(key);
    const focus = page.getByRole('link', { name: stage, exact: true });
    assert(await focus.evaluate((link) => link === document.activeElement), `${key} leads to ${stage}`);
    await assertFocusSeen(page);
  }
  await page.keyboard.press('Enter');
  await page.waitForURL('**/environment/stage/dev');
  await isLive(page);
  await page.keyboard.press('ArrowRight');
  const next = page.getByRole('link', { name: 'staging', exact: true });
  assert(await next.evaluate((link) => link === document.activeElement), 'from the stage that is open');
});

for (const [name, screen] of Object.entries({
  'every stop of the Tab key is seen, and nothing covers it, on a desktop': desktop,
  'every stop of the Tab key is seen, and nothing covers it, on a phone': phone,
})) {
  check(name, async ({ serve, signIn }) => {
    const shop = await serve();
    const { waiting } = await fillShop(shop);
    const page = await signIn(shop, 'ada', { screen });
    for (const path of ['/bridge/inbox', `/bridge/project/${PROJECT}/sequence/${waiting}`, '/bridge/me']) {
      await page.goto(shop.origin + path);
      await page.keyboard.press('Tab');
      for (let stop = 0; stop < 100; stop += 1) {
        const isThrough = await page.evaluate(() => document.activeElement === document.body);
        if (isThrough) break;
        await assertFocusSeen(page);
        await page.keyboard.press('Tab');
      }
    }
  });
}

check('letters decide nothing outside a card, in the reason, and where they are switched off', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  const { id } = await ask(shop, 'carts:1');
  const page = await signIn(shop, 'ada');
  await isLive(page);
  const letters = ['a', 'd', 'e', 'a', 's', 'x', 'u', 'Enter'];
  const press = async () => {
    for (const letter of letters) await page.keyboard.press(letter);
  };
  const isUndecided = async () => {
    assert.equal((await shop.approval(id)).state, 'open');
    assert.equal(new URL(page.url()).pathname, '/bridge/inbox');
  };
  await press();
  await isUndecided();

  await ballot(page, 'carts:1').reason.focus();
  await page.keyboard.type('adeja');
  await isUndecided();
  assert.equal(await ballot(page, 'carts:1').reason.inputValue(), 'adeja');

  await page.goto(`${shop.origin}/bridge/me`);
  await page.getByLabel('Single-letter keys').uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForFunction(() => !document.documentElement.hasAttribute('data-keys'));
  await page.goto(`${shop.origin}/bridge/inbox`);
  await page.keyboard.press('j');
  await ballot(page, 'carts:1').card.focus();
  for (const letter of letters.slice(0, -1)) await page.keyboard.press(letter);
  await isUndecided();
});

check('a morning round: twelve approvals in five projects, each with its evidence, in a minute', { alone: true }, async ({ serve, signIn }) => {
  const shop = await serve();
  const projects = ['sockshop', 'billing', 'search', 'mail', 'fleet'];
  await Promise.all(projects.map((project) => createShop(shop, project, GATE)));
  const ids = new Map();
  for (let index = 0; index < 12; index += 1) {
    const project = projects[index % projects.length];
    const image = `${['carts', 'catalogue', 'payment'][index % 3]}:2.${index}`;
    ids.set(image, (await ask(shop, image, { project })).id);
  }
  const page = await signIn(shop, 'ada');
  // Keys are heard once the scripts run.
  await isLive(page);
  let presses = 0;
  const press = async (key) => {
    presses += 1;
    await page.keyboard.press(key);
  };
  const start = Date.now();
  for (let round = 0; round < ids.size; round += 1) {
    await approveButtons(page).first().waitFor();
    // After a decision the next card has the focus already.
    if (!(await focused(page))) await press('j');
    const image = await focused(page);
    assert(image, 'a card has the focus');
    if (!(await isRead(ballot(page, image)))) await press('e');
    assert(await isRead(ballot(page, image)), 'the evidence is read');
    await press('a');
    await isDone(page, 'approved', image).catch(async (error) => {
      const said = await page.getByRole('status').allInnerTexts();
      assert.fail(`${image}: the page says ${JSON.stringify(said)}, the focus is on ${await focused(page)}: ${error.message}`);
    });
    // The list of decisions may say so before the card does.
    await ballot(page, image).card.waitFor({ state: 'detached' });
    assert.equal((await decision(shop, ids.get(image))).decision, 'approve');
  }
  const spent_s = (Date.now() - start) / 1000;
  const person_s = presses * PRESS_S + ids.size * LOOKS * LOOK_S;
  console.log(`  ${presses} presses, ${person_s.toFixed(0)} s of a person, ${spent_s.toFixed(1)} s of the machine`);
  assert(spent_s < ROUND_S, `the machine takes ${spent_s} s`);
  assert(person_s < ROUND_S, `${presses} presses and ${LOOKS} looks each take a person ${person_s} s`);
  assert.equal((await shop.approvals('open')).length, 0);
});
