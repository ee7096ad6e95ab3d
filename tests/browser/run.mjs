// Runs every check under checks/: `node run.mjs [--filter TEXT]`.
// Prints `ok NAME (ms)` or `not ok NAME (ms)` for each, and `N passed, N failed` as its last line.

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { closeBrowser } from './chromium.mjs';
import { checks, runCheck } from './harness.mjs';
import { here } from './paths.mjs';

const { values } = parseArgs({ options: { filter: { type: 'string', default: '' } } });

const folder = path.join(here, 'checks');
const files = (await readdir(folder)).filter((name) => name.endsWith('.check.mjs')).sort();
const selected = [];
for (const file of files) {
  const before = checks.length;
  await import(pathToFileURL(path.join(folder, file)));
  for (const { name, body } of checks.slice(before)) {
    const full = `${file.replace('.check.mjs', '')}: ${name}`;
    if (full.includes(values.filter)) selected.push({ name: full, body });
  }
}

let passed = 0;
for (const chosen of selected) {
  const start = performance.now();
  const failures = await runCheck(chosen);
  const spent = `(${Math.round(performance.now() - start)} ms)`;
  if (failures.length === 0) {
    passed += 1;
    console.log(`ok ${chosen.name} ${spent}`);
  } else {
    console.log(`not ok ${chosen.name} ${spent}`);
    failures.forEach((failure) => console.log(failure.replace(/^/gm, '  ')));
  }
}
await closeBrowser();
const failed = selected.length - passed;
console.log(`${passed} passed, ${failed} failed`);
// A hung check may have left a timer or a socket: the verdict is in, do not wait for those.
process.exit(failed === 0 ? 0 : 1);
