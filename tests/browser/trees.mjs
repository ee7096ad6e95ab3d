// What a screen reader meets: accessibility trees, stored under trees/ and compared.

import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { here, targetDirectory } from './paths.mjs';

const stored = path.join(here, 'trees');

/** Set to store what there is now. */
const RENEW = process.env.TIDEGATE_TREES === 'renew';
const HOW = 'To store what there is now: TIDEGATE_TREES=renew cargo xtask test --filter "tree: "';

/** What differs from run to run, by what it stands for. */
const VARYING = [
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<id>'],
  [/\b[0-9a-f]{4}-[0-9a-f]{4}\b/g, '<subject>'],
  [/\b[0-9a-f]{8}\b/g, '<digest>'],
  [/\b\d+ \w{3} \d{4}, \d\d:\d\d:\d\d UTC/g, '<time>'],
  [/\b\d+(\.\d+)? (ms|s|min|h)\b( \d+ (s|min)\b)?/g, '<span>'],
  [/just now|<span> ago/g, '<when>'],
  // Said of what waited for more than a second, as on a slow machine.
  [/ waited <span>/g, ''],
  // Some digests read as numbers and are quoted.
  [/: "(<\w+>)"$/gm, ': $1'],
];

/**
 * Compares a part of a page with the tree of that name: names, roles and their order. Answers with how they
 * differ, or with nothing.
 */
export async function treeDiffers(part, name) {
  const tree = `${VARYING.reduce((text, [varying, word]) => text.replace(varying, word), await part.ariaSnapshot())}\n`;
  const kept = path.join(stored, `${name}.yml`);
  if (RENEW) await writeFile(kept, tree);
  const known = await readFile(kept, 'utf8').catch(() => '');
  if (known === tree) return undefined;
  if (known === '') return `tests/browser/trees/${name}.yml is missing. ${HOW}`;
  const folder = path.join(targetDirectory, 'trees');
  await mkdir(folder, { recursive: true });
  const now = path.join(folder, `${name}.yml`);
  await writeFile(now, tree);
  return `tests/browser/trees/${name}.yml is no longer what is read:\n${await difference(kept, now)}\n${HOW}`;
}

/** The lines that differ and some around them. */
function difference(before, after) {
  const args = ['diff', '--no-index', '--no-color', '--no-prefix', before, after];
  // It ends with 1 where there is a difference.
  return new Promise((resolve) => {
    execFile('git', args, (_, found) => resolve(found.replace(/^(diff|index|---|\+\+\+) .*\n/gm, '')));
  });
}
