// A service with a history of evaluations, as Keptn's events have them: good ones and bad ones, and those that
// pages are most easily wrong about.

import { until } from './installation.mjs';

export const JUDGED = 'judged';
export const SERVICE = 'carts';
const STAGE = 'qa';

/** One stage that evaluates, and one that does not. */
const SHIPYARD = `apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata:
  name: judged
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks:
            - name: evaluation
              properties:
                timeframe: 5m
        - name: twice
          tasks:
            - name: evaluation
              properties:
                timeframe: 5m
            - name: evaluation
              properties:
                timeframe: 5m
    - name: production
      sequences:
        - name: delivery
          tasks:
            - name: deployment
`;

export const SLO = `spec_version: "1.0"
comparison:
  compare_with: single_result
  include_result_with_score: pass
  aggregate_function: avg
objectives:
  - sli: response_time_p95
    displayName: Response time (95 %)
    key_sli: true
    weight: 2
    pass:
      - criteria: ["<0.4", "<=+25%"]
    warning:
      - criteria: ["<0.5"]
  - sli: error_rate
    pass:
      - criteria: ["<0.01"]
  - sli: throughput
    pass:
      - criteria: [">=400"]
    warning:
      - criteria: [">=300"]
  - sli: cpu
total_score:
  pass: 90%
  warning: 70%
`;

/** Creates the project. */
export async function createJudged(installation, project = JUDGED) {
  await installation.create(project, SHIPYARD, [SERVICE, 'catalogue']);
  await installation.write(project, 'slo.yaml', SLO, { stage: STAGE, service: SERVICE });
}

/** Starts a sequence that evaluates; answers with its context. */
export const begin = (installation, image, { project = JUDGED, sequence = 'delivery' } = {}) =>
  installation.trigger({ project, stage: STAGE, sequence, service: SERVICE, image, token: undefined });

/** Where the pages of the service are. */
export const qualityPath = (project = JUDGED, stage = STAGE) => `/bridge/project/${project}/quality/${SERVICE}/${stage}`;

/** An objective as an event has it; no criterion is violated unless it passes neither. */
const indicator = (metric, value, status, pass, more = {}) => ({
  displayName: '',
  value: { metric, value, comparedValue: 0, success: true },
  passTargets: pass.map(([criteria, targetValue, violated = false]) => ({ criteria, targetValue, violated })),
  warningTargets: null,
  score: status === 'pass' ? 1 : 0,
  status,
  keySli: false,
  ...more,
});

/** What the gate says of these values; `before` is the evaluation that it is compared with. */
function judge({ p95, errors = 0.002, throughput = 412, before }) {
  const limit = before ? before.p95 * 1.25 : 0;
  const isFast = p95 < 0.4 && (!before || p95 <= limit);
  const time = isFast ? 'pass' : p95 < 0.5 ? 'warning' : 'fail';
  const isSound = errors === null || errors < 0.01;
  const unread = { value: { metric: 'error_rate', value: 0, comparedValue: 0, success: false, message: 'query did not return any values' } };
  const points = { pass: 2, warning: 1, fail: 0 }[time] + (isSound && errors !== null ? 1 : 0) + 1;
  const score = (100 * points) / 4;
  const result = time === 'fail' ? 'fail' : score >= 90 ? 'pass' : score >= 70 ? 'warning' : 'fail';
  const was = (metric, value, comparedValue) => (before ? { value: { metric, value, comparedValue, success: true } } : {});
  const indicators = [
    indicator('response_time_p95', p95, time, [['<0.4', 0.4, p95 >= 0.4], ['<=+25%', limit, Boolean(before) && p95 > limit]], {
      displayName: 'Response time (95 %)',
      keySli: true,
      score: { pass: 2, warning: 1, fail: 0 }[time],
      value: { metric: 'response_time_p95', value: p95, comparedValue: before?.p95 ?? 0, success: true },
      warningTargets: [{ criteria: '<0.5', targetValue: 0.5, violated: p95 >= 0.5 }],
    }),
    errors === null
      ? indicator('error_rate', 0, 'fail', [['<0.01', 0.01, true]], { ...unread, warningTargets: [] })
      : indicator('error_rate', errors, isSound ? 'pass' : 'fail', [['<0.01', 0.01, !isSound]], was('error_rate', errors, 0.002)),
    indicator('throughput', throughput, 'pass', [['>=400', 400]], { ...was('throughput', throughput, 412), warningTargets: [{ criteria: '>=300', targetValue: 300, violated: false }] }),
    // Nothing was measured for what only informs.
    indicator('cpu', 0, 'info', [], { value: null, warningTargets: [] }),
  ];
  return { score, result, indicators };
}

/** Delivers and judges one version; answers with its event, and what was measured. */
export async function judged(installation, image, { project = JUDGED, ...values }) {
  const context = await begin(installation, image, { project });
  const { score, result, indicators } = judge(values);
  const end = Date.now();
  await installation.evaluate(project, context, score, result, indicators, {
    timeStart: new Date(end - 300_000).toISOString(),
    timeEnd: new Date(end).toISOString(),
    sloFileContent: Buffer.from(SLO).toString('base64'),
    comparedEvents: values.before ? [values.before.event.id] : undefined,
  });
  return { event: await ended(installation, project, context), p95: values.p95 };
}

const ended = (installation, project, context) =>
  until(`an evaluation of ${context}`, async () => (await installation.evaluations(project, context))[0]);

const ADDRESS = ({ shkeptncontext, id }) => `/bridge/evaluation/${shkeptncontext}/${id}`;

/**
 * Fills the project: 14 versions, of which some failed. Answers with the addresses of one of each kind, and with
 * those of deliveries that were evaluated twice and not at all.
 */
export async function fillJudged(installation) {
  await createJudged(installation);
  const found = { quality: qualityPath() };
  let before;
  for (const [at, p95] of [0.31, 0.3, 0.33, 0.36, 0.31, 0.29, 0.3, 0.28, 0.34, 0.35].entries()) {
    const now = await judged(installation, `carts:1.4.${at + 1}`, { p95, before });
    found[at === 0 ? 'first' : 'good'] = ADDRESS(now.event);
    if (at === 6) found.ignored = now.event;
    before = now;
  }
  found.warned = ADDRESS((await judged(installation, 'carts:1.5.0', { p95: 0.45, before })).event);
  const slow = await judged(installation, 'carts:1.5.1', { p95: 0.62, errors: null, before });
  found.bad = ADDRESS(slow.event);
  found.badId = slow.event.id;
  found.goodId = before.event.id;

  const errored = await begin(installation, 'carts:1.5.2');
  const message = 'evaluation performed by lighthouse received an unexpected error: no route to the Prometheus';
  const task = await installation.open(JUDGED, errored, 'evaluation');
  await installation.take(task);
  const details = { timeStart: '', timeEnd: '', result: 'pass', score: 0, sloFileContent: '', indicatorResults: null };
  await installation.finish(task, { result: 'fail', status: 'errored', message, evaluation: details }, 'lighthouse-service');
  found.errored = ADDRESS(await ended(installation, JUDGED, errored));

  found.twice = await begin(installation, 'carts:1.5.3', { sequence: 'twice' });
  for (let turn = 0; turn < 2; turn += 1) await installation.evaluate(JUDGED, found.twice, 100, 'pass');

  const { id: _, ...data } = found.ignored;
  await installation.send({
    type: 'sh.keptn.event.evaluation.invalidated',
    source: 'https://github.com/keptn/keptn/bridge#evaluation.invalidated',
    shkeptncontext: data.shkeptncontext,
    triggeredid: data.triggeredid,
    data: { project: JUDGED, stage: STAGE, service: SERVICE, evaluation: { reason: 'a trial run without load' } },
  });
  found.ignored = ADDRESS(found.ignored);
  return found;
}
