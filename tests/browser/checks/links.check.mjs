// Addresses that people have kept since Keptn lead to what they meant.

import assert from 'node:assert/strict';
import { heading } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { request } from '../http.mjs';
import { fillShop, PROJECT } from '../sockshop.mjs';

const UNKNOWN = '11111111-1111-4111-8111-111111111111';

/** Keptn's addresses, from where its Bridge began: where each leads, and what is in view there. */
function links({ passed, waiting, failed, judged }, { finished, triggered, evaluated }) {
  const sequences = `/bridge/project/${PROJECT}/sequence`;
  const evaluation = `/bridge/evaluation/${judged}/${evaluated.id}`;
  const opened = ({ id }) => ({ path: `${sequences}/${failed}`, search: `open=${id}`, seen: `e-${id}` });
  return {
    '/': { path: '/bridge/' },
    '/dashboard': { heading: 'Projects' },
    [`/project/${PROJECT}`]: { heading: new RegExp(PROJECT) },
    [`/project/${PROJECT}/environment`]: { heading: new RegExp(PROJECT) },
    [`/project/${PROJECT}/environment/stage/staging`]: { heading: new RegExp(PROJECT) },
    [`/create/project`]: { heading: 'Create a project' },
    [`/project/${PROJECT}/sequence`]: { path: sequences },
    [`/project/${PROJECT}/sequence/${passed}`]: { path: `${sequences}/${passed}` },
    [`/project/${PROJECT}/sequence/${waiting}/stage/production`]: { path: `${sequences}/${waiting}`, seen: 'stage-production' },
    [`/project/${PROJECT}/sequence/${failed}/event/${finished.id}`]: opened(finished),
    [`/trace/${waiting}`]: { path: `${sequences}/${waiting}` },
    [`/trace/${waiting}/staging`]: { path: `${sequences}/${waiting}`, seen: 'stage-staging' },
    // A type of event leads to the latest of its kind.
    [`/trace/${failed}/sh.keptn.event.test.finished`]: opened(finished),
    [`/trace/${failed}/sh.keptn.event.deployment.triggered`]: opened(triggered),
    [`/evaluation/${judged}`]: { path: evaluation },
    [`/evaluation/${judged}/staging`]: { path: evaluation },
    [`/evaluation/${judged}/${evaluated.id}`]: { path: evaluation },
    [`/evaluation/${judged}/${evaluated.triggeredid}`]: { path: evaluation },
    // What was not evaluated is shown as far as it came.
    [`/evaluation/${failed}`]: { path: `${sequences}/${failed}` },
    [`/evaluation/${waiting}/production`]: { path: `${sequences}/${waiting}`, seen: 'stage-production' },
    [`/project/${PROJECT}/service`]: { heading: 'Quality' },
    [`/project/${PROJECT}/service/carts`]: { heading: 'Quality of carts in staging' },
    [`/project/${PROJECT}/service/carts/context/${judged}`]: { path: evaluation },
    [`/project/${PROJECT}/service/carts/context/${judged}/stage/staging`]: { path: evaluation },
  };
}

async function prepare(serve) {
  const shop = await serve();
  const found = await fillShop(shop);
  const [finished] = await shop.events(PROJECT, 'test.finished', found.failed);
  const [triggered] = await shop.events(PROJECT, 'deployment.triggered', found.failed);
  const [evaluated] = await shop.evaluations(PROJECT, found.judged);
  return { shop, found, events: { finished, triggered, evaluated } };
}

/** Fails unless the page is the right one, with what was meant in view. */
async function assertThere(page, link, wanted) {
  const url = new URL(page.url());
  if (wanted.path === '/bridge/') assert.equal(url.pathname, '/bridge/inbox', link);
  else if (wanted.path) assert.equal(url.pathname, wanted.path, link);
  if (wanted.heading) await heading(page, wanted.heading).waitFor();
  if (wanted.search) assert(url.search.includes(wanted.search), `${link}: ${url.search}`);
  if (!wanted.seen) return;
  const place = page.locator(`[id="${wanted.seen}"]`).first();
  await place.waitFor();
  const isSeen = () => place.evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return bottom > 0 && top < innerHeight && element.checkVisibility();
  });
  assert(await isSeen(), `${link}: ${wanted.seen} is in view`);
}

check("Keptn's addresses lead to the page, the stage and the event that they name", { weight: 2 }, async ({ serve, signIn }) => {
  const { shop, found, events } = await prepare(serve);
  const page = await signIn(shop, 'ada', { screen: { width: 1280, height: 500 } });
  for (const prefix of ['/bridge', '']) {
    for (const [link, wanted] of Object.entries(links(found, events))) {
      await page.goto(shop.origin + prefix + link);
      await assertThere(page, prefix + link, wanted);
    }
  }
});

check("signed out, Keptn's addresses lead there after the sign-in, with their query", { weight: 2 }, async ({ serve, open }) => {
  const { shop, found, events } = await prepare(serve);
  const kept = links(found, events);
  for (const link of [`/project/${PROJECT}/sequence/${found.failed}/event/${events.finished.id}`, `/trace/${found.waiting}/staging`]) {
    const page = await open(shop, `/bridge${link}`, { screen: { width: 1280, height: 500 } });
    await heading(page, 'Sign in').waitFor();
    await page.getByLabel('API token').fill('the-token-of-ada');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith('/login'));
    await assertThere(page, link, kept[link]);
  }
  const page = await open(shop, `/bridge/project/${PROJECT}/sequence?state=finished&x=1`);
  await page.getByLabel('API token').fill('the-token-of-ada');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => !url.pathname.endsWith('/login'));
  assert.match(page.url(), /sequence\?.*state=finished.*x=1/);
});

check('what is not there gets a page that helps, and the root leads below /bridge for good', async ({ serve, signIn }) => {
  const { shop } = await prepare(serve);
  const page = await signIn(shop, 'ada', { expected: [/404/] });
  for (const [link, words] of Object.entries({
    '/bridge/project/sockshoe': /sockshop/,
    '/bridge/project/sockshop/sequence/no-context': /\S/,
    [`/bridge/project/sockshop/sequence/${UNKNOWN}`]: /\S/,
    [`/bridge/trace/${UNKNOWN}`]: /load|retry|again/i,
    '/bridge/no/such/page': /\S/,
  })) {
    const answer = await page.goto(shop.origin + link);
    assert.equal(answer.status(), 404, link);
    await heading(page, /not found|no such|nothing/i).waitFor();
    assert.match(await page.getByRole('main').innerText(), words, link);
    assert((await page.getByRole('main').getByRole('link').count()) > 0, `${link} leads on`);
  }
  for (const path of ['/dashboard', `/project/${PROJECT}`, `/project/${PROJECT}/sequence?state=finished`, `/trace/${UNKNOWN}`]) {
    const { status, headers } = await request(shop.origin + path);
    assert.deepEqual([status, headers.location], [308, `/bridge${path}`]);
  }
});
