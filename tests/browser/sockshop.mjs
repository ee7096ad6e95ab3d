// A shop of three services on the way from dev to production: what a project looks like after some weeks.

import { tokens } from './installation.mjs';

export const PROJECT = 'sockshop';
export const SERVICES = ['carts', 'catalogue', 'payment'];

/** Three stages; production asks. A hotfix asks as well, with nothing that was tested before it. */
export const SHIPYARD = `apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata:
  name: sockshop
spec:
  stages:
    - name: dev
      sequences:
        - name: delivery
          tasks:
            - name: deployment
            - name: test
    - name: staging
      sequences:
        - name: delivery
          triggeredOn:
            - event: dev.delivery.finished
          tasks:
            - name: deployment
            - name: test
            - name: evaluation
    - name: production
      sequences:
        - name: delivery
          triggeredOn:
            - event: staging.delivery.finished
          tasks:
            - name: approval
              properties:
                pass: manual
                warning: manual
            - name: deployment
            - name: release
        - name: hotfix
          tasks:
            - name: approval
            - name: deployment
`;

/** One stage that asks at once: for checks that need approvals and nothing before them. */
export const GATE = `apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata:
  name: gate
spec:
  stages:
    - name: production
      sequences:
        - name: delivery
          tasks:
            - name: approval
            - name: deployment
`;

/** One stage with one task: for checks of what does the task. */
export const ONE_TASK = `apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
spec: {stages: [{name: dev, sequences: [{name: delivery, tasks: [{name: deployment}]}]}]}
`;

/** Creates a project with nothing in it. */
export const createShop = (installation, project = PROJECT, shipyard = SHIPYARD) =>
  installation.create(project, shipyard, SERVICES);

const ciLabels = (image) => ({
  build: `https://ci.example/builds/${image.split(':')[1]}`,
  gitCommit: `https://git.example/socks/commit/${Buffer.from(image).toString('hex').slice(0, 12)}`,
});

/** Begins a delivery at dev. */
export function deliver(installation, image, { project = PROJECT, token = tokens['ci-main'], ...more } = {}) {
  const service = image.split(':')[0];
  const labels = ciLabels(image);
  return installation.trigger({ project, stage: 'dev', sequence: 'delivery', service, image, labels, token, ...more });
}

/** What was measured in staging, as Keptn's lighthouse reports it. */
export function measured(result) {
  const indicator = (metric, value, criteria, status, more = {}) => ({
    displayName: '',
    value: { metric, value, success: true },
    passTargets: [{ criteria, targetValue: 0, violated: status !== 'pass' }],
    warningTargets: null,
    score: status === 'pass' ? 1 : 0.5,
    status,
    keySli: false,
    ...more,
  });
  return [
    indicator('response_time_p95', result === 'pass' ? 0.31 : 0.41, '<0.4', result, { keySli: true }),
    indicator('error_rate', 0.002, '<0.01', 'pass'),
    indicator('throughput', 412, '>=400', 'pass'),
  ];
}

/** Takes a delivery from dev to the end of staging, by default with a good score. */
export async function upToGate(installation, image, { score = 96, result = 'pass', project = PROJECT, ...how } = {}) {
  const context = await deliver(installation, image, { project, ...how });
  for (const task of ['deployment', 'test', 'deployment', 'test']) await installation.perform(project, context, task);
  await installation.evaluate(project, context, score, result, measured(result));
  return context;
}

/** The approval that a delivery has come to. */
export async function upToApproval(installation, image, how) {
  return installation.waiting(await upToGate(installation, image, how));
}

/** The approval of a service in a project of the shipyard `GATE`. */
export async function ask(installation, image, { project = PROJECT, token = tokens['ci-main'], ...more } = {}) {
  const service = image.split(':')[0];
  const trigger = { project, stage: 'production', sequence: 'delivery', service, image, token, ...more };
  return installation.waiting(await installation.trigger(trigger));
}

/** What follows an approval in production. */
export async function reachProduction(installation, context, { project = PROJECT } = {}) {
  for (const task of ['deployment', 'release']) await installation.perform(project, context, task);
}

/**
 * Fills the shop: 40 sequences in all kinds of states. Answers with the contexts of one of each kind, and
 * with the four approvals that wait.
 */
export async function fillShop(installation) {
  await createShop(installation);
  const found = {};
  // One service is one lane: each has its own history, at the same time as the others.
  await Promise.all([
    historyOf(installation, 'carts', 12, found),
    historyOf(installation, 'catalogue', 11, found),
    historyOf(installation, 'payment', 5, found),
  ]);
  await presentOf(installation, found);
  return found;
}

async function historyOf(installation, service, count, found) {
  for (let build = 1; build <= count; build += 1) {
    const image = `${service}:1.4.${build}`;
    if (build % 5 === 0) found.failed = await failsItsTest(installation, image);
    else if (build % 7 === 0) found.judged = await upToGate(installation, image, { score: 41.5, result: 'fail' });
    else if (build % 4 === 0) found.declined = await isDeclined(installation, image);
    else found.passed = await isReleased(installation, image);
  }
}

async function failsItsTest(installation, image) {
  const context = await deliver(installation, image);
  await installation.perform(PROJECT, context, 'deployment');
  const message = '3 of 50 requests failed: 502 Bad Gateway';
  await installation.perform(PROJECT, context, 'test', { result: 'fail', message });
  return context;
}

async function isDeclined(installation, image) {
  const { id, context } = await upToApproval(installation, image);
  await installation.decide(id, 'decline', 'error budget is spent', tokens.ada);
  return context;
}

async function isReleased(installation, image) {
  const { id, context } = await upToApproval(installation, image);
  await installation.decide(id, 'approve', undefined, tokens.ada);
  await reachProduction(installation, context);
  return context;
}

/** What is under way: 12 sequences, four of which wait for a person. */
async function presentOf(installation, found) {
  const asks = (approval) => approval.id;
  // Lanes that are free first; what blocks one comes last.
  found.passedGate = asks(await upToApproval(installation, 'carts:1.5.0'));
  found.warned = asks(await upToApproval(installation, 'catalogue:1.5.0', { score: 78, result: 'warning' }));
  found.ofAda = asks(await upToApproval(installation, 'carts:1.5.1', { token: tokens.ada, score: 92.5 }));
  const hotfix = { project: PROJECT, stage: 'production', sequence: 'hotfix', service: 'payment', image: 'payment:1.4.9' };
  found.withoutGate = asks(await installation.waiting(await installation.trigger({ ...hotfix, token: tokens['ci-main'] })));
  found.waiting = (await installation.approval(found.passedGate)).context;

  found.aborted = await deliver(installation, 'payment:1.5.0');
  await installation.take(await installation.open(PROJECT, found.aborted, 'deployment'));
  await installation.control(PROJECT, found.aborted, 'abort');
  const closing = await installation.waiting(await installation.trigger({ ...hotfix, image: 'payment:1.4.8' }));
  await installation.control(PROJECT, closing.context, 'abort');
  found.closed = closing.id;

  found.paused = await deliver(installation, 'payment:1.5.1');
  await installation.take(await installation.open(PROJECT, found.paused, 'deployment'));
  await installation.control(PROJECT, found.paused, 'pause');
  found.running = await deliver(installation, 'carts:1.6.0');
  await installation.take(await installation.open(PROJECT, found.running, 'deployment'));
  found.queued = await deliver(installation, 'carts:1.6.1');
  found.unanswered = await deliver(installation, 'catalogue:1.6.0');
  for (const image of ['catalogue:1.6.1', 'catalogue:1.6.2']) await deliver(installation, image);
  found.decided = (await installation.approvals('decided'))[0].id;
}
