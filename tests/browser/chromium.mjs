// One Chromium for the whole run, started when the first page is opened.

import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

// No traffic of the browser's own: a check counts every request, and machines that run checks are
// often closed to the outside.
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser;

/** The running browser. */
export function browserOfThisRun() {
  // Without its sandbox, which does not start for root nor in most containers; it only ever sees
  // pages of the server under test.
  browser ??= chromium.launch({ executablePath: executable(), args: FLAGS, chromiumSandbox: false });
  return browser;
}

/** Closes the browser if one was started. */
export async function closeBrowser() {
  await (await browser)?.close();
}

function executable() {
  const names = process.env.CHROMIUM_BIN ? [process.env.CHROMIUM_BIN] : NAMES;
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  // `resolve` leaves a name that is a whole path as it is.
  const files = names.flatMap((name) => folders.map((folder) => path.resolve(folder, name)));
  const found = files.find(isExecutable);
  if (!found) throw new Error(`no ${names.join(', ')} in PATH: run \`cargo xtask setup\`, or set CHROMIUM_BIN`);
  return found;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
