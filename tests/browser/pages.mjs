// Every page of the Bridge, and how to get there: what is judged as a whole is judged on all of these.

import { ballot, heading } from './bridge.mjs';
import { fillFailing } from './failing.mjs';
import { fillIntegrations } from './integrations.mjs';
import { fillJudged, JUDGED, qualityPath } from './judged.mjs';
import { createShop, fillShop, ONE_TASK, PROJECT, upToApproval } from './sockshop.mjs';

/** An installation with a history, and one that is new: for the pages that say what to do first. */
export async function prepare(serve) {
  const [shop, empty] = [await serve(), await serve()];
  const found = { ...(await fillShop(shop)), judgements: await fillJudged(shop), rescued: await fillFailing(shop) };
  await shop.create('fresh', ONE_TASK, []);
  await fillIntegrations(shop);
  return { shop, empty, found };
}

const sequence = (context) => `/bridge/project/${PROJECT}/sequence/${context}`;
const inbox = '/bridge/inbox';

/** Sends the open form again as it is, whatever its fields ask for. */
const submit = (button) => button.evaluate((element) => {
  element.form.noValidate = true;
  element.form.requestSubmit(element);
});

/** Opens everything that unfolds. */
const unfold = (page) => page.locator('main details').evaluateAll((all) => all.forEach((details) => (details.open = true)));

/**
 * The pages. `path` is where they are, a function of what `fillShop` has found; `then` is what a person does
 * there; `empty` those of the new installation; `out` those that a stranger sees. `status` is their answer
 * where it is not a good one. Those that change something come last.
 */
export const pages = [
  { name: 'sign-in-token', out: true, path: () => '/bridge/login' },
  { name: 'sign-in-link', out: true, path: (_, shop) => shop.link('grace') },
  { name: 'sign-in-used-link', out: true, path: () => '/bridge/login?code=used', status: 410 },
  {
    name: 'sign-in-wrong-token',
    out: true,
    path: () => '/bridge/login',
    status: 401,
    then: async (page) => {
      await page.getByLabel('API token').fill('a guess');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText(/this token is not known/i).waitFor();
    },
  },
  {
    name: 'not-accepted',
    out: true,
    path: () => '/bridge/login',
    status: 403,
    then: async (page) => {
      await page.getByLabel('API token').fill('a guess');
      await page.locator('input[name="csrf"]').evaluate((field) => (field.value = 'forged'));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await heading(page, 'Not accepted').waitFor();
    },
  },
  { name: 'server-error', path: () => '/bridge/dev/failure', status: 500 },
  { name: 'forbidden', path: () => '/bridge/error?status=403', status: 403 },
  { name: 'not-found', path: () => '/bridge/nowhere', status: 404 },
  { name: 'not-found-project', path: () => '/bridge/project/sockshoe/sequence', status: 404 },
  { name: 'not-found-trace', path: () => '/bridge/trace/11111111-1111-4111-8111-111111111111', status: 404 },
  { name: 'method', path: ({ passedGate }) => `/bridge/approval/${passedGate}/decision`, status: 405 },

  { name: 'inbox', path: () => inbox },
  { name: 'inbox-unfolded', path: () => inbox, then: unfold },
  { name: 'inbox-decided', path: () => `${inbox}?view=decided` },
  { name: 'inbox-no-match', path: () => `${inbox}?project=nowhere` },
  { name: 'inbox-empty', empty: true, path: () => inbox },
  {
    name: 'help',
    path: () => inbox,
    then: async (page) => {
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    },
  },
  {
    name: 'palette',
    path: () => inbox,
    then: async (page) => {
      await page.keyboard.press('/');
      await page.getByRole('dialog', { name: 'Search' }).getByRole('searchbox').fill('sock');
      await page.getByRole('dialog').getByRole('link', { name: /sockshop/ }).first().waitFor();
    },
  },
  { name: 'search', path: () => '/bridge/search?q=car' },
  { name: 'search-nothing', path: () => '/bridge/search?q=nothing-of-this-name' },
  { name: 'approval-passed', path: ({ passedGate }) => `/bridge/approval/${passedGate}` },
  { name: 'approval-warned', path: ({ warned }) => `/bridge/approval/${warned}` },
  { name: 'approval-without-gate', path: ({ withoutGate }) => `/bridge/approval/${withoutGate}` },
  { name: 'approval-decided', path: ({ decided }) => `/bridge/approval/${decided}` },
  { name: 'approval-failed-gate', path: ({ rescued }) => `/bridge/approval/${rescued.asked}` },
  { name: 'approval-overridden', path: ({ rescued }) => `/bridge/approval/${rescued.approved}` },
  { name: 'approval-closed', path: ({ closed }) => `/bridge/approval/${closed}` },
  {
    name: 'approval-without-reason',
    path: ({ passedGate }) => `/bridge/approval/${passedGate}`,
    status: 422,
    then: async (page) => {
      await submit(page.getByRole('button', { name: /^decline/i }).first());
      await page.getByText(/say why/i).first().waitFor();
    },
  },
  { name: 'projects', path: () => '/bridge/projects' },
  { name: 'projects-empty', empty: true, path: () => '/bridge/projects' },
  { name: 'projects-versions', path: () => '/bridge/projects?view=versions' },
  { name: 'projects-no-match', path: () => '/bridge/projects?q=nothing-of-this-name' },
  { name: 'create-project', path: () => '/bridge/create/project' },
  {
    name: 'create-project-wrong',
    path: () => '/bridge/create/project',
    status: 422,
    then: async (page) => {
      await page.getByLabel('Name', { exact: true }).fill('No Name');
      await page.getByLabel('Shipyard', { exact: true }).fill('apiVersion: spec.keptn.sh/0.2.2\nspec: {stages: [{name: Q A}]}');
      await page.getByRole('button', { name: 'Create project' }).click();
      await page.locator('[aria-invalid]').first().waitFor();
    },
  },
  { name: 'project', path: () => `/bridge/project/${PROJECT}` },
  { name: 'project-stage', path: () => `/bridge/project/${PROJECT}/environment/stage/production?filterType=approval` },
  { name: 'trigger', path: () => `/bridge/project/${PROJECT}/trigger` },
  {
    name: 'trigger-wrong',
    path: () => `/bridge/project/${PROJECT}/trigger`,
    status: 422,
    then: async (page) => {
      await submit(page.getByRole('button', { name: 'Trigger', exact: true }));
      await page.locator('[aria-invalid]').first().waitFor();
    },
  },
  {
    name: 'trigger-preview',
    path: () => `/bridge/project/${PROJECT}/trigger`,
    then: async (page) => {
      await page.getByLabel('Sequence', { exact: true }).selectOption({ index: 1 });
      await page.getByLabel('Service', { exact: true }).selectOption('carts');
      await page.getByLabel('Image', { exact: true }).fill('carts:9.9.9');
      await page.getByRole('button', { name: 'Preview the event' }).click();
      await heading(page, 'This would be sent').waitFor();
    },
  },
  { name: 'project-overridden', path: ({ rescued }) => `/bridge/project/${rescued.project}/environment/stage/qa` },
  { name: 'project-empty', path: () => '/bridge/project/fresh' },
  { name: 'sequences', path: () => `/bridge/project/${PROJECT}/sequence` },
  { name: 'sequences-overridden', path: ({ rescued }) => `/bridge/project/${rescued.project}/sequence?Status=overridden` },
  { name: 'sequence-overridden', path: ({ rescued }) => `/bridge/project/${rescued.project}/sequence/${rescued.overridden}` },
  { name: 'sequences-narrowed', path: () => `/bridge/project/${PROJECT}/sequence?Service=carts&Status=failed` },
  { name: 'sequences-no-match', path: () => `/bridge/project/${PROJECT}/sequence?q=nothing-of-this-name&Stage=nowhere` },
  { name: 'sequences-empty', path: () => '/bridge/project/fresh/sequence' },
  ...['passed', 'failed', 'judged', 'declined', 'waiting', 'running', 'queued', 'paused', 'aborted', 'unanswered'].map((kind) => ({
    name: `sequence-${kind}`,
    path: (found) => sequence(found[kind]),
  })),
  { name: 'sequence-unfolded', path: ({ waiting }) => sequence(waiting), then: unfold },
  {
    name: 'abort-asked',
    path: ({ running }) => sequence(running),
    then: async (page) => {
      await page.getByRole('link', { name: /^abort/i }).click();
      await page.getByRole('dialog', { name: /^abort delivery/i }).waitFor();
    },
  },
  ...['good', 'first', 'warned', 'bad', 'errored', 'ignored'].map((kind) => ({
    name: `evaluation-${kind}`,
    path: ({ judgements }) => judgements[kind],
  })),
  { name: 'evaluation-overridden', path: ({ rescued }) => `/bridge/evaluation/${rescued.overridden}/qa` },
  { name: 'evaluation-unfolded', path: ({ judgements }) => `${judgements.bad}?sort=file`, then: unfold },
  { name: 'evaluation-of-somebody', path: ({ judged }) => `/bridge/evaluation/${judged}` },
  {
    name: 'evaluation-ignored-without-reason',
    path: ({ judgements }) => judgements.bad,
    status: 422,
    then: async (page) => {
      await submit(page.getByRole('button', { name: 'Ignore for comparison' }));
      await page.getByText(/say why/i).first().waitFor();
    },
  },
  { name: 'evaluations', path: ({ judgements }) => `/bridge/evaluation/${judgements.twice}` },
  { name: 'quality', path: () => `/bridge/project/${JUDGED}/quality` },
  { name: 'quality-service', path: ({ judgements }) => `${judgements.quality}?at=${judgements.badId}` },
  { name: 'quality-older', path: ({ judgements }) => `${judgements.quality}?n=5&offset=5` },
  { name: 'quality-of-shop', path: () => `/bridge/project/${PROJECT}/quality/carts/staging` },
  { name: 'quality-empty', path: () => qualityPath(JUDGED, 'production') },
  { name: 'quality-compare', path: ({ judgements: { quality, goodId, badId } }) => `${quality}/compare?before=${goodId}&after=${badId}` },
  { name: 'integrations', path: () => `/bridge/project/${PROJECT}/settings/uniform/integrations` },
  { name: 'replay', path: ({ judgements }) => `${judgements.quality}/replay` },
  {
    name: 'replay-wrong',
    path: ({ judgements }) => `${judgements.quality}/replay`,
    status: 422,
    then: async (page) => {
      await page.getByLabel('slo.yaml', { exact: true }).fill('objectives:\n  - sli: a\n    weight: "2"');
      await page.getByRole('button', { name: 'Judge again' }).click();
      await page.locator('[aria-invalid]').waitFor();
    },
  },
  {
    name: 'replay-judged',
    path: ({ judgements }) => `${judgements.quality}/replay`,
    then: async (page) => {
      const field = page.getByLabel('slo.yaml', { exact: true });
      await field.fill((await field.inputValue()).replace('"<0.4"', '"<0.33"').replace('avg', 'p99'));
      await page.getByRole('button', { name: 'Judge again' }).click();
      await page.getByText(/would have ended otherwise/i).first().waitFor();
    },
  },
  {
    name: 'replay-unknown',
    path: ({ judgements }) => `${judgements.quality}/replay`,
    then: async (page) => {
      const field = page.getByLabel('slo.yaml', { exact: true });
      await field.fill((await field.inputValue()).replace('response_time_p95', 'response_time_p50'));
      await page.getByRole('button', { name: 'Judge again' }).click();
      await page.getByText(/^Nobody knows \(/).click();
    },
  },
  { name: 'abort', path: ({ running }) => `${sequence(running)}/abort` },
  { name: 'abort-ended', path: ({ passed }) => `${sequence(passed)}/abort` },
  { name: 'rerun', path: ({ failed }) => `${sequence(failed)}/rerun` },
  { name: 'me', path: () => '/bridge/me' },
  { name: 'gallery', path: () => '/bridge/dev/gallery' },

  {
    name: 'raced',
    path: () => inbox,
    status: 409,
    then: async (page, shop) => {
      const { id } = await upToApproval(shop, 'payment:9.0.0', { project: await another(shop, 'raced') });
      await page.goto(`${shop.origin}/bridge/approval/${id}`);
      const form = ballot(page, 'payment:9.0.0');
      // As a page that has not heard of it yet sends it.
      const fields = await form.approve.evaluate((button) => new URLSearchParams(new FormData(button.form)).toString());
      await shop.decide(id, 'decline', 'error budget is spent');
      await page.evaluate(
        ([action, body]) => {
          const form = document.createElement('form');
          form.method = 'post';
          form.action = action;
          for (const [name, value] of new URLSearchParams(body)) {
            const field = document.createElement('input');
            field.name = name;
            field.value = value;
            form.append(field);
          }
          document.body.append(form);
          form.submit();
        },
        [`/bridge/approval/${id}/decision`, `${fields}&decision=approve`],
      );
      await heading(page, /decided already/).waitFor();
    },
  },
  {
    name: 'outcome',
    path: () => inbox,
    then: async (page, shop) => {
      const { id } = await upToApproval(shop, 'carts:9.0.0', { project: await another(shop, 'outcome') });
      await page.goto(`${shop.origin}/bridge/approval/${id}`);
      await ballot(page, 'carts:9.0.0').approve.click();
      await heading(page, /^you approved/i).waitFor();
    },
  },
];

/** A project of its own, with lanes that nothing holds. */
async function another(shop, name) {
  await createShop(shop, name);
  return name;
}

/** What Chromium notes about an answer that is no good one. */
export const noted = [/Failed to load resource: the server responded with a status of (401|403|404|405|409|410|422|500)/, /answer 500: .*\/bridge\/dev\/failure/];

/** Opens a page, does what there is to do, and answers with where it was opened. */
export async function reach({ path, then, empty, out }, { shop, empty: fresh, found }, visitors) {
  const installation = empty ? fresh : shop;
  const page = out ? visitors.stranger : empty ? visitors.first : visitors.ada;
  await page.goto(installation.origin + (await path(found, installation)));
  await then?.(page, installation);
  return page;
}
