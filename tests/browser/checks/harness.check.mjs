// The harness, checked against a server whose faults are known: a guard that never fires guards nothing.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { check, phone, runCheck } from '../harness.mjs';
import { here } from '../paths.mjs';

const program = path.join(here, 'fixtures/pretend.mjs');

/** The failures of an inner check that opens one page of the pretend server. */
const failuresOf = (address, { then = async () => {}, ...options } = {}) =>
  runCheck({
    body: async ({ start, open, ...rest }) => {
      const server = await start(['well'], { program });
      await then(await open(server, address, options), rest);
    },
  });

const faults = {
  '/bridge/console': /^console error: loud$/,
  '/bridge/throws': /^uncaught: thrown$/,
  '/bridge/elsewhere': /^request to another origin: http:\/\/localhost:9\//,
  '/bridge/broken': /^answer 503: /,
  '/bridge/policy': /^console error: .*Content Security Policy/,
};

for (const [address, fault] of Object.entries(faults)) {
  check(`${address} is failed by the guard against its fault`, async () => {
    const failures = await failuresOf(address);
    assert(failures.some((failure) => fault.test(failure)), failures.join('\n'));
  });
}

check('a connection that outlives its page is noticed', async () => {
  let stream;
  const failures = await runCheck({
    body: async ({ start, open }) => {
      const server = await start(['well'], { program });
      await open(server, '/bridge/fine');
      stream = http.get(`${server.origin}/bridge/stream`);
      await once(stream, 'response');
    },
  });
  stream.destroy();
  assert.match(failures.join('\n'), /connections outlive their pages/);
});

check('a known failure passes while it fails as known, and fails when it passes', async () => {
  const fails = async () => assert.fail('as known');
  assert.deepEqual(await runCheck({ body: fails, knownFailure: /as known/ }), []);
  assert.match((await runCheck({ body: fails, knownFailure: /otherwise/ })).join(), /as known/);
  assert.match((await runCheck({ body: async () => {}, knownFailure: /as known/ })).join(), /passes now/);
});

check('a page without faults passes, and gives the link that was printed', async () => {
  const failures = await runCheck({
    body: async ({ start, open }) => {
      const server = await start(['well'], { program });
      const page = await open(server, server.link);
      assert.equal(await page.textContent('p'), 'Nothing wrong here.');
    },
  });
  assert.deepEqual(failures, []);
});

check('an expected fault passes, an expected fault that stays away fails', async () => {
  const expected = [/^console error: loud$/];
  assert.deepEqual(await failuresOf('/bridge/console', { expected }), []);
  assert.deepEqual(await failuresOf('/bridge/fine', { expected }), [
    'expected and did not happen: /^console error: loud$/',
  ]);
});

check('axe judges a page under a strict policy', async () => {
  const then = (page, { accessible }) => accessible(page);
  assert.deepEqual(await failuresOf('/bridge/fine', { screen: phone, then }), []);
  assert.match((await failuresOf('/bridge/unlabelled', { then })).join('\n'), /axe label: input/);
});

check('axe says at once that it needs scripts', async () => {
  const then = async (page, { accessible }) => accessible(page);
  assert.match((await failuresOf('/bridge/fine', { javaScript: false, then })).join('\n'), /axe needs scripts/);
});

check('scripts do not run where a check switched them off', async () => {
  assert.deepEqual(await failuresOf('/bridge/throws', { javaScript: false }), []);
});

check('a check that hangs fails at its deadline', async () => {
  const failures = await runCheck({ body: () => new Promise(() => {}), deadlineMs: 1 });
  assert.match(failures.join('\n'), /not done within 1 ms/);
});

check('a server that dies at its start is named with what it said', async () => {
  const failures = await runCheck({ body: ({ start }) => start(['dies'], { program }) });
  assert.match(failures.join('\n'), /ended with code 3\n {4}\| the port is taken/);
});

check('a server that never prints its link is given up', async () => {
  const body = ({ start }) => start(['silent'], { program, deadlineMs: 1 });
  assert.match((await runCheck({ body })).join('\n'), /none within 1 ms/);
});

check('a server that will not stop fails its check, and its data are removed', async () => {
  let data;
  const failures = await runCheck({
    body: async ({ start }) => {
      const server = await start(['stubborn'], { program });
      data = server.data;
      await assert.rejects(server.stop(1), /did not stop within 1 ms/);
    },
  });
  assert.match(failures.join('\n'), /ended by itself with SIGKILL/);
  await assert.rejects(access(data));
});
