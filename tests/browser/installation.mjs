// An installation as a team has it: `tidegate serve` with users and tokens, spoken to as Keptn's clients
// and integrations speak to it.

import assert from 'node:assert/strict';
import { request } from './http.mjs';

/** The installation's own token. */
export const TOKEN = 'the-token-of-the-installation';
/** Tokens with a name. People usually come by link; these are for what they do without a browser. */
export const tokens = { 'ci-main': 'the-token-of-ci-main', ada: 'the-token-of-ada' };
/** A secret that jobs may ask for, and that no page may show. */
export const SECRET = 'correct-horse-battery-staple';

const DEADLINE_MS = 20_000;
/** Keptn's datastore refuses larger pages. */
const PAGE = 100;

const CONFIG = `
api_token = "${TOKEN}"

[[tokens]]
name = "ci-main"
kind = "machine"
token = "${tokens['ci-main']}"

[[tokens]]
name = "ada"
kind = "person"
token = "${tokens.ada}"

[secrets.registry]
PASSWORD = "${SECRET}"

[[jobs.images]]
image = "checks/shell:1"
commands = { sh = ["/bin/sh"] }
`;

/**
 * Starts an installation. `tasks` is how long a task waits for somebody to take it, as in
 * `[tasks] start_within`; `gate` the SLI provider that its quality gate asks, which a check answers for: without
 * one, a check judges in the gate's place; `env` is added to its environment.
 */
export async function serve(start, { tasks = '10m', gate, env = {} } = {}) {
  const args = ['serve', '--data-dir', '{data}', '--listen', '127.0.0.1:0', '--config', '{data}/tidegate.toml'];
  const judges = gate ? `sli_provider = "${gate}"` : 'enabled = false';
  const config = `${CONFIG}\n[tasks]\nstart_within = "${tasks}"\n[gate]\n${judges}\n`;
  const server = await start(args, { config, env: { TIDEGATE_LOG: 'error', ...env } });
  return new Installation(server);
}

/** Asks until `wanted` answers with something; fails with `what` it waited for. */
export async function until(what, wanted, deadlineMs = DEADLINE_MS) {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const found = await wanted();
    if (found) return found;
    assert(Date.now() < deadline, `waited ${deadlineMs} ms for ${what}`);
    await new Promise((turn) => setTimeout(turn, 20));
  }
}

export class Installation {
  /** The program under it: to crash it and start it again. */
  server;

  constructor(server) {
    this.server = server;
  }

  get origin() {
    return this.server.origin;
  }

  /** A request with the installation's token, or another one. Answers with `status` and `body`. */
  async request(method, path, body, token = TOKEN) {
    const headers = { 'x-token': token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const answer = await request(this.origin + path, { method, headers, body: JSON.stringify(body) });
    const isJson = answer.headers['content-type']?.includes('json');
    return { status: answer.status, body: isJson ? JSON.parse(answer.text) : answer.text };
  }

  /** The body of an answer that must be a good one. */
  async call(method, path, body, token) {
    const answer = await this.request(method, path, body, token);
    assert(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** The address of a sign-in link for somebody. */
  async link(name) {
    return (await this.call('POST', '/api/tidegate/v1/sign-in-links', { name })).path;
  }

  async create(project, shipyard, services) {
    const body = { name: project, shipyard: Buffer.from(shipyard).toString('base64') };
    await this.call('POST', '/api/controlPlane/v1/project', body);
    const path = `/api/controlPlane/v1/project/${project}/service`;
    for (const serviceName of services) await this.call('POST', path, { serviceName });
  }

  /** Writes a file of a project, or of one of its services in one stage. */
  async write(project, name, content, { stage, service } = {}) {
    const place = (stage ? `/stage/${stage}` : '') + (service ? `/service/${encodeURIComponent(service)}` : '');
    const resources = [{ resourceURI: name, resourceContent: Buffer.from(content).toString('base64') }];
    await this.call('POST', `/api/resource-service/v1/project/${project}${place}/resource`, { resources });
  }

  /** Sends an event and answers with its context. */
  async send(event, token) {
    return (await this.call('POST', '/api/v1/event', { source: 'checks', ...event }, token)).keptnContext;
  }

  /** Triggers a sequence and answers with its context. */
  trigger({ project, stage, sequence, service, image, labels = {}, token, data = {} }) {
    const change = image === undefined ? {} : { configurationChange: { values: { image } } };
    return this.send(
      { type: `sh.keptn.event.${stage}.${sequence}.triggered`, data: { project, stage, service, labels, ...change, ...data } },
      token,
    );
  }

  /** The open `.triggered` event of a task in a context, as soon as there is one. */
  open(project, context, task, stage) {
    const path = `/api/controlPlane/v1/event/triggered/sh.keptn.event.${task}.triggered?project=${project}&pageSize=1000`;
    const is = (event) => event.shkeptncontext === context && (!stage || event.data.stage === stage);
    return until(`${task} of ${context} to be triggered`, async () => (await this.call('GET', path)).events.find(is));
  }

  /** An executor takes a task. */
  take(event) {
    return this.#answer(event, 'started', { status: 'succeeded' });
  }

  /** An executor ends a task it has taken. */
  finish(event, data = {}, source) {
    return this.#answer(event, 'finished', { result: 'pass', status: 'succeeded', ...data }, source);
  }

  async #answer(event, phase, data, source = 'executor') {
    const { project, stage, service, labels } = event.data;
    await this.send({
      type: event.type.replace(/triggered$/, phase),
      shkeptncontext: event.shkeptncontext,
      triggeredid: event.id,
      source,
      data: { project, stage, service, labels, ...data },
    });
  }

  /** An executor does a task from beginning to end. */
  async perform(project, context, task, data = {}, stage) {
    const event = await this.open(project, context, task, stage);
    await this.take(event);
    await this.finish(event, data);
    return event;
  }

  /**
   * An integration judges: the answer to an evaluation, with a score and what was measured; `more` of what it
   * says in detail.
   */
  async evaluate(project, context, score, result, indicatorResults = [], more = {}) {
    const evaluation = { score, result, gitCommit: '', indicatorResults, ...more };
    const event = await this.open(project, context, 'evaluation');
    await this.take(event);
    // Keptn 1.4 reads the scores of this source alone.
    await this.finish(event, { result, evaluation }, 'lighthouse-service');
  }

  /** The evaluations of a delivery, newest first. */
  evaluations(project, context) {
    return this.events(project, 'evaluation.finished', context);
  }

  /** Whoever holds a token decides; under a policy they name the `subject` that they have seen. */
  decide(approval, decision, comment, token, subject) {
    return this.call('POST', `/api/tidegate/v1/approvals/${approval}/decision`, { decision, comment, subject }, token);
  }

  async approval(id) {
    return this.call('GET', `/api/tidegate/v1/approvals/${id}`);
  }

  /** The approvals in a state, oldest first if they are open. */
  async approvals(state) {
    return (await this.call('GET', `/api/tidegate/v1/approvals?state=${state}&limit=1000`)).approvals;
  }

  /** The approval that a context waits for. */
  async waiting(context) {
    const find = async () => (await this.approvals('open')).find((approval) => approval.context === context);
    return until(`an approval of ${context}`, find);
  }

  /** All events of a type, newest first: `approval.finished`. */
  async events(project, type, context) {
    const events = [];
    const narrow = context ? `&keptnContext=${context}` : '';
    for (let key = '0'; key !== undefined; ) {
      const path = `/api/mongodb-datastore/event?project=${project}&type=sh.keptn.event.${type}${narrow}`;
      const page = await this.call('GET', `${path}&pageSize=${PAGE}&nextPageKey=${key}`);
      events.push(...page.events);
      key = page.nextPageKey;
    }
    return events;
  }

  /** Keptn's state of a sequence. */
  async sequence(project, context) {
    const path = `/api/controlPlane/v1/sequence/${project}?keptnContext=${context}`;
    return (await this.call('GET', path)).states[0];
  }

  control(project, context, state) {
    return this.call('POST', `/api/controlPlane/v1/sequence/${project}/${context}/control`, { state });
  }

  /** Every approval that was decided has one `approval.finished` with that result; no other has any. */
  async assertDecidedOnce() {
    const expected = new Map();
    for (const state of ['open', 'decided', 'closed']) {
      for (const { id, decided } of await this.approvals(state)) expected.set(id, { state, decided });
    }
    const counts = new Map();
    const { projects } = await this.call('GET', '/api/controlPlane/v1/project?pageSize=1000');
    for (const { projectName } of projects) {
      for (const event of await this.events(projectName, 'approval.finished')) {
        const result = expected.get(event.triggeredid)?.decided?.decision === 'approve' ? 'pass' : 'fail';
        assert.equal(event.data.result, result, `the result of ${event.triggeredid}`);
        counts.set(event.triggeredid, (counts.get(event.triggeredid) ?? 0) + 1);
      }
    }
    for (const [id, { state }] of expected) {
      const count = counts.get(id) ?? 0;
      assert.equal(count, state === 'decided' ? 1 : 0, `approval ${id} is ${state}, with ${count} approval.finished`);
    }
  }
}
