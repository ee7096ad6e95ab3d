// A gate that has failed: without a policy the delivery ends, with one a person decides, and whoever lets it go on
// says why. From then on it is shown as overridden, wherever it is shown.

import assert from 'node:assert/strict';
import { assertNotSideways, ballot, decision, heading } from '../bridge.mjs';
import { ENDS, fails, goesOn, PLACES, REASON, SERVICE, WAITS } from '../failing.mjs';
import { check, desktop, phone } from '../harness.mjs';
import { until } from '../installation.mjs';

const PROJECT = 'failing';
const IMAGE = 'carts:1.5.0';
const sequences = `/bridge/project/${PROJECT}/sequence`;
const environment = `/bridge/project/${PROJECT}`;

const main = (page) => page.getByRole('main');
const chips = (part) => part.locator('.chip').allInnerTexts();
const taskRow = (page, name, stage) => page.locator(`#stage-${stage}`).locator('xpath=ancestor::details[1]').locator('li.task').filter({ has: page.locator('summary .name', { hasText: new RegExp(`^${name}`) }) });
const ended = (shop, context) => until(`the end of ${context}`, async () => (await shop.sequence(PROJECT, context)).state === 'finished');

/** Fails unless a part of the page says so in words that are seen, with an icon, and in no colour of what is well. */
async function assertOverridden(part, what) {
  const word = part.getByText(/^Overridden( [\d.]+\/100)?$/).first();
  await word.waitFor();
  const look = await word.evaluate((element) => {
    const toned = element.closest('[class*="t-"]');
    const { color } = getComputedStyle(element);
    const probe = document.createElement('i');
    probe.className = 't-pass';
    probe.style.color = 'var(--tone)';
    document.body.append(probe);
    const well = getComputedStyle(probe).color;
    probe.remove();
    const { left, right, height } = element.getBoundingClientRect();
    return { icon: toned?.querySelector('use')?.getAttribute('href'), isWell: color === well, isSeen: height > 0 && left >= 0 && right <= innerWidth };
  });
  assert.deepEqual(look, { icon: '#i-gate-forced', isWell: false, isSeen: true }, what);
}

/** Everywhere that a delivery is shown which was let through: `who` has done that, as the reader of the page sees it. */
async function assertShownAsOverridden({ shop, page, place, context, id, who, name, accessible, screenshot }) {
  const visit = async (what, path, look) => {
    await page.goto(shop.origin + path);
    await look();
    await assertNotSideways(page);
    await accessible(page);
    await screenshot(page, `overridden-${what}.${name}`);
  };
  const said = `Overridden by ${who}: “${REASON}”`;
  await visit('sequence', `${sequences}/${context}`, async () => {
    await heading(page, new RegExp(`delivery of ${IMAGE} has ended with its gate overridden in`)).waitFor();
    const header = page.locator('header.page');
    await assertOverridden(header, 'the header');
    assert.deepEqual(await chips(header), ['Overridden']);
    await header.getByText(said).waitFor();
    const gate = taskRow(page, 'evaluation', 'qa').first();
    assert.match((await chips(gate))[0], /^Failed/, 'the gate has failed');
    await gate.locator('summary').first().getByText(said).waitFor();
    const approval = taskRow(page, 'approval', place.stage).first();
    assert.equal((await chips(approval))[0], 'Overridden');
    await approval.locator('summary').first().getByText(said).waitFor();
    // The stage as a whole, also where it is folded.
    const stage = page.locator(`#stage-${place.stage}`).locator('xpath=..');
    assert.deepEqual(await chips(stage), ['Overridden']);
  });
  await visit('list', sequences, async () => {
    const row = main(page).getByRole('link', { name: new RegExp(`delivery of ${SERVICE} 1.5.0`) });
    await assertOverridden(row, 'the row of the list');
    assert.deepEqual(await chips(row), ['Overridden']);
    await row.getByRole('img', { name: 'Overridden' }).first().waitFor();
  });
  await visit('environment', environment, async () => {
    for (const stage of ['qa', 'production']) {
      const row = page.getByRole('region', { name: stage, exact: true }).getByRole('listitem').filter({ hasText: SERVICE });
      await assertOverridden(row, `what runs in ${stage}`);
    }
    const gate = page.getByRole('region', { name: `Gate before ${place.stage}` });
    await gate.getByRole('link', { name: new RegExp(`^Overridden: ${who} approved ${IMAGE}$`, 'i') }).waitFor();
    await gate.getByText(REASON).waitFor();
  });
  await visit('approval', `/bridge/approval/${id}`, async () => {
    const card = page.getByRole('article');
    await assertOverridden(card, 'the card');
    await card.getByText(REASON).waitFor();
  });
  await visit('evaluation', `/bridge/evaluation/${context}/qa`, async () => {
    await heading(page, /^failed, 41\.5 of 100/i).waitFor();
    await assertOverridden(main(page), 'the evaluation');
    await main(page).getByText(said).waitFor();
  });
  await visit('versions', '/bridge/projects?view=versions', () => assertOverridden(main(page), 'what runs where'));
  await visit('projects', '/bridge/projects', () => main(page).getByRole('img', { name: 'Overridden' }).first().waitFor());
  await visit('decided', '/bridge/inbox?view=decided', () => assertOverridden(main(page), 'the inbox'));
}

/** What is checked, in each place where an approval can stand. */
const CHECKS = [
  {
    place: PLACES.behind,
    approved: 'a failed gate with an approval behind it goes on with a reason, and is shown as overridden everywhere',
    declined: 'a failed gate with an approval behind it ends where a person declines, and nothing is overridden',
    alone: 'a failed gate with an approval behind it, but no policy, ends its sequence, and nothing waits',
  },
  {
    place: PLACES.triggered,
    approved: 'a sequence that a failed gate triggers goes on with a reason, and is shown as overridden everywhere',
    declined: 'a sequence that a failed gate triggers ends where a person declines, and nothing is overridden',
    alone: 'a sequence that a failed gate triggers, but without a policy, is declined by rule, and nothing waits',
  },
];

for (const { place, approved, declined, alone } of CHECKS) {
  check(approved, { weight: 3 }, async ({ serve, signIn, accessible, screenshot }) => {
    const shop = await serve();
    await shop.create(PROJECT, place.shipyard(WAITS), [SERVICE]);
    const context = await fails(shop, PROJECT, IMAGE);
    const { id } = await shop.waiting(context);

    const page = await signIn(shop, 'ada', { next: `/bridge/approval/${id}`, expected: [/422/] });
    const card = page.getByRole('article');
    await card.getByText('The gate has failed: approving overrides it, needs a reason, and is shown as overridden.').waitFor();
    const form = ballot(page, IMAGE, place.stage);
    await form.approve.click();
    // The browser asks for it before anything is sent; the server does not rely on that.
    assert(await form.reason.evaluate((field) => field === document.activeElement && field.validity.valueMissing));
    await form.reason.evaluate((field) => (field.form.noValidate = true));
    await Promise.all([page.waitForNavigation(), form.approve.click()]);
    await card.getByText('Say why: the gate has failed, and this overrides it.').waitFor();
    assert.equal(await form.reason.getAttribute('aria-invalid'), 'true');
    assert.equal((await shop.approval(id)).state, 'open');

    await form.reason.fill(REASON);
    await form.approve.click();
    await heading(page, `You approved ${IMAGE} for ${place.stage}`).waitFor();
    // Under way it is not over, and is said to be overridden all the same.
    await assertOverridden(page.locator('header.page'), 'the header of what goes on');
    const { decision: decided, comment } = await decision(shop, id);
    assert.deepEqual([decided, comment], ['approve', REASON]);
    const [finished] = await shop.events(PROJECT, 'approval.finished', context);
    assert.equal(finished.data.approval.overridden, true);
    await page.goto(shop.origin + sequences);
    await assertOverridden(main(page).getByRole('link', { name: /delivery of carts/ }), 'the row of what goes on');

    await goesOn(shop, PROJECT, context, place);
    await ended(shop, context);
    const shown = { shop, place, context, id, accessible, screenshot };
    await assertShownAsOverridden({ ...shown, page, who: 'you', name: `${place.stage}.light.1280` });
    for (const [name, options] of Object.entries({
      'dark.1280': { screen: desktop, dark: true },
      'light.390': { screen: phone },
      'dark.390': { screen: phone, dark: true },
    })) {
      const other = await signIn(shop, 'grace', options);
      await assertShownAsOverridden({ ...shown, page: other, who: 'ada', name: `${place.stage}.${name}` });
    }
    // It can be looked for, and is none of those that are well.
    for (const [status, count] of [['overridden', 1], ['succeeded', 1], ['passed', 0], ['failed', 0]]) {
      await page.goto(`${shop.origin}${sequences}?Status=${status}`);
      assert.equal(await main(page).getByRole('link', { name: /delivery of carts/ }).count(), count, status);
    }
  });

  check(declined, async ({ serve, signIn }) => {
    const shop = await serve();
    await shop.create(PROJECT, place.shipyard(WAITS), [SERVICE]);
    const context = await fails(shop, PROJECT, IMAGE);
    const { id } = await shop.waiting(context);
    const page = await signIn(shop, 'ada', { screen: phone });
    const form = ballot(page, IMAGE, place.stage);
    await form.reason.fill('it is slow indeed');
    await form.decline.click();
    await heading(page, `You declined ${IMAGE} for ${place.stage}`).waitFor();
    await ended(shop, context);
    assert.equal((await decision(shop, id)).decision, 'decline');
    await assertNothingFollows(shop, place, context);
    for (const path of [`${sequences}/${context}`, sequences, environment, `/bridge/approval/${id}`]) {
      await page.goto(shop.origin + path);
      await main(page).getByText('Declined').or(main(page).getByText('declined')).first().waitFor();
      // The filter of the list offers the word.
      const words = await main(page).evaluate((element) => [...element.querySelectorAll('*:not(option)')].filter((one) => /^overridden/i.test(one.textContent.trim()) && one.children.length === 0).length);
      assert.equal(words, 0, path);
    }
  });

  check(alone, async ({ serve, signIn }) => {
    const shop = await serve();
    await shop.create(PROJECT, place.shipyard(ENDS), [SERVICE]);
    const context = await fails(shop, PROJECT, IMAGE);
    await ended(shop, context);
    assert.deepEqual(await shop.approvals('open'), []);
    await assertNothingFollows(shop, place, context);
    const page = await signIn(shop, 'ada');
    await main(page).getByText('Nothing waits for you').waitFor();
    await page.goto(shop.origin + sequences);
    const row = main(page).getByRole('link', { name: /delivery of carts/ });
    assert.deepEqual(await chips(row), [place.ends]);
    await page.goto(`${shop.origin}${sequences}/${context}`);
    await heading(page, place.ends === 'Failed' ? /has failed in qa: evaluation/ : /was declined for production/).waitFor();
  });
}

async function assertNothingFollows(shop, { then }, context) {
  // qa was deployed to before its gate.
  const stages = async (task) => (await shop.events(PROJECT, `${task}.triggered`, context)).map((event) => event.data.stage);
  assert.deepEqual(await stages('deployment'), ['qa']);
  if (then.includes('release')) assert.deepEqual(await stages('release'), []);
}
