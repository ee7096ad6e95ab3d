// Forms that others send, text that others write, and what a job prints.

import assert from 'node:assert/strict';
import { ballot, heading, isLive, sendForm } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { request } from '../http.mjs';
import { SECRET, until } from '../installation.mjs';
import { run } from '../job.mjs';
import { ask, createShop, fillShop, GATE, ONE_TASK, PROJECT } from '../sockshop.mjs';

/** Every address that changes something, with a form that would be a good one. */
const actions = ({ passed, passedGate, running, paused, evaluation }, subject) => [
  [`/bridge/approval/${passedGate}/decision`, { decision: 'approve', subject, comment: '' }],
  [`/bridge/approval/${passedGate}/decision`, { decision: 'decline', subject, comment: 'forged' }],
  [`/bridge/project/${PROJECT}/sequence/${running}/abort`, {}],
  [`/bridge/project/${PROJECT}/sequence/${running}/pause`, {}],
  [`/bridge/project/${PROJECT}/sequence/${paused}/resume`, {}],
  [`/bridge/project/${PROJECT}/sequence/${passed}/rerun`, {}],
  [`/bridge/project/${PROJECT}/trigger`, { sequence: 'dev.delivery', service: 'carts', image: 'carts:forged', do: 'send' }],
  [`/bridge/project/${PROJECT}/services`, { name: 'forged' }],
  ['/bridge/create/project', { name: 'forged', shipyard: GATE }],
  ['/bridge/approvals/decide', { pick: `${passedGate}:${subject}` }],
  [`${evaluation}/ignore`, { reason: 'forged', once: 'forged' }],
  [`/bridge/project/${PROJECT}/quality/carts/staging/replay`, { slo: 'objectives: []' }],
  [`/bridge/project/${PROJECT}/upstream/conflict`, { branch: 'tidegate/conflict/x' }],
  ['/bridge/me', { theme: 'dark', keys: 'on' }],
  ['/bridge/logout', {}],
];

/** What must not change. */
async function stateOf(shop, { running, paused }) {
  const [open, events] = [await shop.approvals('open'), await shop.events(PROJECT, 'approval.finished')];
  const ignored = await shop.events(PROJECT, 'evaluation.invalidated');
  const states = await Promise.all([running, paused].map(async (context) => (await shop.sequence(PROJECT, context)).state));
  const { projects } = await shop.call('GET', '/api/controlPlane/v1/project');
  const { totalCount } = await shop.call('GET', `/api/controlPlane/v1/sequence/${PROJECT}?pageSize=1`);
  return JSON.stringify([open.map(({ id }) => id), events.length, ignored.length, states, totalCount, projects.length]);
}

const csrfOf = (page) => page.locator('input[name="csrf"]').first().inputValue();

check('a form of another site, without the token, with another token, or asked for by GET changes nothing', async ({ serve, signIn }) => {
  const shop = await serve();
  const found = await fillShop(shop);
  const [judged] = await shop.evaluations(PROJECT, found.judged);
  found.evaluation = `/bridge/evaluation/${found.judged}/${judged.id}`;
  const ada = await signIn(shop, 'ada');
  const grace = await signIn(shop, 'grace');
  const { subject } = await shop.approval(found.passedGate);
  const [csrf, others] = [await csrfOf(ada), await csrfOf(grace)];
  assert.notEqual(csrf, others);
  const before = await stateOf(shop, found);
  const attempts = {
    'from another site': [{ csrf }, { origin: 'https://evil.example' }],
    'from another port': [{ csrf }, { origin: 'http://127.0.0.1:1' }],
    'from nowhere': [{ csrf }, { origin: 'null' }],
    'as the browser says itself': [{ csrf }, { 'sec-fetch-site': 'cross-site' }],
    'from a neighbour': [{ csrf }, { 'sec-fetch-site': 'same-site' }],
    'without a token': [{}, {}],
    'with an empty token': [{ csrf: '' }, {}],
    "with somebody else's token": [{ csrf: others }, {}],
    'without a session': [{ csrf }, { cookie: '' }],
    'as JSON': [{ csrf }, { 'content-type': 'application/json' }],
    'as plain text': [{ csrf }, { 'content-type': 'text/plain' }],
  };
  for (const [path, fields] of actions(found, subject)) {
    for (const [what, [token, headers]] of Object.entries(attempts)) {
      const { status, headers: answered } = await sendForm(ada, path, { ...fields, ...token }, headers);
      const isSentAway = status === 303 && answered.location.startsWith('/bridge/login');
      assert(isSentAway || (status >= 400 && status < 500), `${path} ${what}: ${status}`);
    }
    const cookie = { cookie: (await ada.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ') };
    const query = new URLSearchParams({ ...fields, csrf, _method: 'POST' });
    for (const [method, headers] of [
      ['GET', {}],
      ['HEAD', {}],
      ['GET', { 'x-http-method-override': 'POST' }],
      ['PUT', {}],
      ['DELETE', {}],
    ]) {
      const { status } = await request(`${shop.origin}${path}?${query}`, { method, headers: { ...cookie, ...headers } });
      assert(status < 500, `${method} ${path}: ${status}`);
    }
    // A form that names another method is a form.
    const { status } = await sendForm(ada, '/bridge/inbox', { ...fields, csrf, _method: 'DELETE' });
    assert.equal(status, 405);
  }
  assert.equal(await stateOf(shop, found), before);
  await ada.goto(`${shop.origin}/bridge/inbox`);
  await heading(ada, /^inbox/i).waitFor();
});

check('a page of another site cannot decide, although the browser is signed in', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, GATE);
  const { id, subject } = await ask(shop, 'carts:1');
  const elsewhere = await serve();
  const page = await signIn(shop, 'ada', { allowed: [/request to another origin/, /403/, /Failed to load/] });
  const csrf = await csrfOf(page);
  // The other server is another site to the browser, by its name.
  const evil = elsewhere.origin.replace('127.0.0.1', 'localhost');
  await page.goto(`${evil}/nginx-health`);
  await page.evaluate(
    ([action, fields]) => {
      const form = document.createElement('form');
      form.method = 'post';
      form.action = action;
      for (const [name, value] of Object.entries(fields)) {
        const field = document.createElement('input');
        field.name = name;
        field.value = value;
        form.append(field);
      }
      document.body.append(form);
      form.submit();
    },
    [`${shop.origin}/bridge/approval/${id}/decision`, { csrf, subject, decision: 'approve' }],
  );
  await heading(page, /not accepted|sign in/i).waitFor();
  assert.equal((await shop.approval(id)).state, 'open');
});

const ALERT = 'window.broken = 1';
/** What has broken out of pages elsewhere. */
const CORPUS = [
  `<script>${ALERT}</script>`,
  `</script><script>${ALERT}</script>`,
  `"><img src=x onerror="${ALERT}">`,
  `' onmouseover='${ALERT}' autofocus onfocus='${ALERT}`,
  `javascript:${ALERT}`,
  `JaVaScRiPt:${ALERT}//https://ci.example`,
  `data:text/html,<script>${ALERT}</script>`,
  `<svg onload="${ALERT}"><use href="data:image/svg+xml,x"/></svg>`,
  `<iframe srcdoc="<script>parent.${ALERT}</script>"></iframe>`,
  `</textarea><style>*{display:none}</style><base href="//evil.example">`,
  `{{7*7}}{% raw %}\${7*7}<%= 7*7 %>#{7*7}`,
  `<!--><math><mtext></math><a href="javascript:${ALERT}">`,
  'abc\u202egnp.exe\u202c\u200b\u0007\u001b[31m',
  `https://bank.example@evil.example/"onclick="${ALERT}`,
  'long '.repeat(4000),
];

/** Fails where something ran, or where a link leads where none may. */
async function assertTame(page, what) {
  assert.equal(await page.evaluate(() => window.broken), undefined, `${what}: a script ran`);
  const links = await page.locator('a').evaluateAll((all) => all.map((link) => link.href));
  for (const link of links) assert.match(link, /^https?:\/\//, what);
  const foreign = await page.locator('main a[href^="http"]').evaluateAll((all) =>
    all.filter((link) => link.origin !== location.origin).map((link) => [link.host, link.rel, link.parentElement.textContent]),
  );
  for (const [host, rel, text] of foreign) {
    assert.match(rel, /noopener noreferrer nofollow/, what);
    assert(text.includes(host), `${what}: the host ${host} is shown`);
  }
  const strange = await page.locator('main').evaluate((main) => main.querySelectorAll('script, iframe, style, base, img, math, [onerror], [onload], [onclick], [onmouseover]').length);
  assert.equal(strange, 0, `${what}: markup of others`);
  // What turns text round is made visible.
  assert.doesNotMatch(await page.locator('body').textContent(), /[\u202a-\u202e\u200b]/, what);
}

check('hostile text in every field is shown as text, on every page that shows it', { weight: 3 }, async ({ serve, signIn }) => {
  const shop = await serve();
  // As hostile as names may be: services take almost any text, sequences and tasks nearly as much.
  const service = `"'onload=x'{{7*7}}%3Cb%3E\u202eshop`;
  const task = `x"onclick='y'{{7*7}}`;
  const shipyard = `apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata: {name: "<script>${ALERT}</script>"}
spec:
  stages:
    - name: production
      sequences:
        - name: delivery
          tasks:
            - name: ${JSON.stringify(task)}
            - name: approval
            - name: deployment
`;
  await createShop(shop, PROJECT, shipyard);
  const path = `/api/controlPlane/v1/project/${PROJECT}/service`;
  await shop.call('POST', path, { serviceName: service });
  const labels = Object.fromEntries(CORPUS.map((text, index) => [`${text.slice(0, 60)}${index}`, text.slice(0, 900)]));
  const trigger = (image) =>
    shop.trigger({ project: PROJECT, stage: 'production', sequence: 'delivery', service, image, labels, data: { message: CORPUS.join('\n') } });
  const context = await trigger(`"><script>${ALERT}</script>:1`);
  const event = await shop.open(PROJECT, context, encodeURIComponent(task));
  await shop.take(event);
  await shop.finish(event, { message: CORPUS.join('\n'), labels }, CORPUS[0]);
  const approval = await shop.waiting(context);

  const short = CORPUS.filter((text) => text.length < 1000);
  // A field holds a file as it is; so that it is tame there, the file spells what is not ASCII.
  const spelt = (text) => JSON.stringify(text).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const evaluation = {
    score: 1,
    result: 'fail',
    timeStart: CORPUS[0],
    timeEnd: CORPUS[1],
    comparedEvents: short,
    sloFileContent: Buffer.from(`objectives:\n${short.map((sli) => `  - sli: ${spelt(sli)}\n`).join('')}total_score: {pass: "1"}\n`).toString('base64'),
    indicatorResults: short.map((text) => ({
      displayName: text,
      value: { metric: text, value: 1, comparedValue: 0, success: false, message: text },
      passTargets: [{ criteria: text, targetValue: 1, violated: true }],
      warningTargets: null,
      score: 0,
      status: 'fail',
    })),
  };
  const scope = { project: PROJECT, stage: 'production', service };
  for (let turn = 0; turn < 2; turn += 1) {
    const data = { ...scope, result: 'fail', status: 'succeeded', labels, message: CORPUS.join('\n'), evaluation };
    await shop.send({ type: 'sh.keptn.event.evaluation.finished', shkeptncontext: context, source: CORPUS[1], data });
  }
  const judged = await shop.evaluations(PROJECT, context);
  const quality = `/bridge/project/${PROJECT}/quality/${encodeURIComponent(service)}/production`;

  const name = `<b onclick=${ALERT.replaceAll(' ', '')}>"Robert');--`;
  const page = await signIn(shop, name, { allowed: [/status of 40[04]/] });
  await isLive(page);
  const comment = CORPUS.join(' ').slice(0, 4000);
  const sequence = `/bridge/project/${PROJECT}/sequence/${context}`;
  const visit = async (address) => {
    await page.goto(shop.origin + address);
    await page.locator('main details').evaluateAll((all) => all.forEach((details) => (details.open = true)));
    await assertTame(page, address);
  };
  const all = ['/bridge/inbox', `/bridge/approval/${approval.id}`, '/bridge/projects', '/bridge/projects?view=versions', `/bridge/project/${PROJECT}`,
    `/bridge/project/${PROJECT}/environment/stage/production`, `/bridge/project/${PROJECT}/trigger`, `/bridge/project/${PROJECT}/sequence`, sequence, `${sequence}/abort`, '/bridge/me', '/bridge/search?q=sock'];
  all.push(`/bridge/evaluation/${context}`, `/bridge/evaluation/${context}/${judged[0].id}`, `/bridge/project/${PROJECT}/quality`, quality, `${quality}/replay`,
    `${quality}/compare?before=${judged[0].id}&after=${judged[1].id}`);
  for (const address of all) await visit(address);
  for (const address of ['/bridge/inbox', sequence, `/bridge/evaluation/${context}/${judged[0].id}`]) {
    await visit(address);
    const text = await page.locator('main').textContent();
    for (const shown of CORPUS.slice(0, 4)) assert(text.includes(shown), `${address} shows ${shown}`);
  }
  // What is no text at all.
  for (const bytes of ['%00', '%ff', '%c3%28', '%ed%a0%80', '%0d%0aset-cookie:x=y', '..%2f..%2fetc']) {
    for (const address of [`/bridge/project/${PROJECT}/sequence/${bytes}`, `/bridge/project/${bytes}`,
      `/bridge/search?q=${bytes}`, `/bridge/approval/${bytes}`]) {
      await visit(address);
    }
  }
  for (const text of CORPUS.filter((text) => text.length < 1000)) {
    const word = encodeURIComponent(text);
    for (const address of [`/bridge/search?q=${word}`, `/bridge/inbox?project=${word}&stage=${word}`, `/bridge/project/${PROJECT}/sequence?Status=${word}&q=${word}&label=${word}&by=${word}&Service=${word}&from=${word}`,
      `/bridge/project/${PROJECT}/sequence/${word}`, `/bridge/project/${word}`, `/bridge/trace/${word}`, `/bridge/evaluation/${word}`, `/bridge/evaluation/${context}/${word}`,
      `/bridge/project/${PROJECT}/quality/${word}/${word}`, `${quality}?at=${word}&n=${word}&offset=${word}`, `${quality}/compare?before=${word}`, `/bridge/nowhere/${word}`]) {
      await visit(address);
    }
  }
  // An event as it is, and never as a page.
  const raw = await page.goto(`${shop.origin}/bridge/event/${event.id}`);
  assert.match(raw.headers()['content-type'], /^text\/plain/);
  assert.equal(raw.headers()['x-content-type-options'], 'nosniff');

  await page.goto(`${shop.origin}/bridge/approval/${approval.id}`);
  await page.getByRole('textbox', { name: /^reason for/i }).first().fill(comment);
  await page.getByRole('button', { name: /^decline/i }).first().click();
  await heading(page, /^you declined/i).waitFor();
  await assertTame(page, 'the outcome');
  for (const address of ['/bridge/inbox', '/bridge/inbox?view=decided', `/bridge/approval/${approval.id}`, sequence]) await visit(address);
  await heading(page, /delivery of/).waitFor();
});

check('a job that prints colours, a secret, markup, a line of megabytes and endless lines leaves a page that works', { weight: 4 }, async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, ONE_TASK);
  const printed = {
    carts: `printf '\\033[31mred\\033[0m <script>${ALERT}</script>\\n'; echo "password $PASSWORD"; echo the end`,
    catalogue: `head -c 5000000 /dev/zero | tr '\\0' x; echo; echo the end`,
    payment: `i=0; while [ $i -lt 200000 ]; do i=$((i+1)); echo "line $i"; done; echo the end`,
  };
  const page = await signIn(shop, 'ada');
  for (const [service, command] of Object.entries(printed)) {
    const { id, shkeptncontext: context } = await run(shop, service, command);
    await until(`the job of ${service}`, async () => (await shop.sequence(PROJECT, context)).state === 'finished');
    const [finished] = await shop.events(PROJECT, 'deployment.finished', context);
    assert.equal(finished.data.result, 'pass', finished.data.message);
    await page.goto(`${shop.origin}/bridge/project/${PROJECT}/sequence/${context}?open=${id}`);
    await page.locator('main details').evaluateAll((all) => all.forEach((details) => (details.open = true)));
    const output = page.getByRole('log');
    await output.getByText(/the end/).first().waitFor();
    const text = await output.innerText();
    assert(text.length < 512 * 1024, `${service}: ${text.length} characters are shown`);
    const html = await page.content();
    assert(!html.includes(SECRET), `${service}: the secret is on the page`);
    await assertTame(page, service);
    if (service === 'carts') {
      assert.match(text, /red <script>/);
      assert.doesNotMatch(text, /\u001b|\[31m/);
      assert.match(text, /password (?!correct)/);
    }
    const address = await page.locator('a[href*="/bridge/log/"]').first().getAttribute('href');
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    const whole = await request(new URL(address, shop.origin), { headers: { cookie } });
    assert.equal(whole.status, 200);
    assert.match(whole.headers['content-type'], /^text\/plain/);
    assert.match(whole.text, /the end\s*$/);
    assert(!whole.text.includes(SECRET));
    // What was dropped for being too much is said.
    if (service === 'payment') assert(whole.text.includes('line 200000\n'));
    if (!whole.text.includes('line 1\n') && service === 'payment') assert.match(whole.text, /\d+ bytes before this were dropped/);
  }
});
