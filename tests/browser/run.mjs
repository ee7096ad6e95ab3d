// Runs every check under checks/: `node run.mjs [--filter TEXT] [--workers N]`.
// Prints `ok NAME (ms)` or `not ok NAME (ms)` for each, and `N passed, N failed` as its last line.

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { closeBrowser } from './chromium.mjs';
import { checks, runCheck } from './harness.mjs';
import { here } from './paths.mjs';

/** Servers start fast and wait much: two checks at once keep two cores busy. */
const WORKERS = '2';

const { values } = parseArgs({
  options: { filter: { type: 'string', default: '' }, workers: { type: 'string', default: WORKERS } },
});

const folder = path.join(here, 'checks');
const files = (await readdir(folder)).filter((name) => name.endsWith('.check.mjs')).sort();
const selected = [];
for (const file of files) {
  const before = checks.length;
  await import(pathToFileURL(path.join(folder, file)));
  for (const found of checks.slice(before)) {
    const name = `${file.replace('.check.mjs', '')}: ${found.name}`;
    if (name.includes(values.filter)) selected.push({ ...found, name });
  }
}

let passed = 0;
async function run(chosen) {
  const start = performance.now();
  const failures = await runCheck(chosen);
  const spent = `(${Math.round(performance.now() - start)} ms)`;
  if (failures.length === 0) {
    passed += 1;
    console.log(`ok ${chosen.name} ${spent}`);
  } else {
    // In one piece: the other worker writes as well.
    console.log([`not ok ${chosen.name} ${spent}`, ...failures.map((text) => text.replace(/^/gm, '  '))].join('\n'));
  }
}

async function work(queue) {
  for (let chosen = queue.shift(); chosen; chosen = queue.shift()) await run(chosen);
}

// The longest first: nothing long is left over for one worker at the end.
const together = selected.filter(({ alone }) => !alone).sort((a, b) => b.weight - a.weight);
await Promise.all(Array.from({ length: Number(values.workers) }, () => work(together)));
// What measures time has the machine to itself.
await work(selected.filter(({ alone }) => alone));
await closeBrowser();
const failed = selected.length - passed;
console.log(`${passed} passed, ${failed} failed`);
// A hung check may have left a timer or a socket: the verdict is in, do not wait for those.
process.exit(failed === 0 ? 0 : 1);
