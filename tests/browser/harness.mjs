// What a check file imports: `check`, and what the body of a check is given.

import path from 'node:path';
import { assertAccessible } from './axe.mjs';
import { browserOfThisRun } from './chromium.mjs';
import { judge, watch } from './guard.mjs';
import { screensDirectory } from './paths.mjs';
import { startServer } from './server.mjs';

const CHECK_DEADLINE_MS = 120_000;
const ACTION_DEADLINE_MS = 15_000;

/** The two screens every page is made for. */
export const desktop = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };

/** Every check that was declared, in order. */
export const checks = [];

/**
 * Declares a check. Its body is given
 * - `start(args, options)`: a server of its own, see `startServer`; stopped after the check
 * - `open(server, address, options)`: a page in a browser profile of its own, at a path of the server
 *   or a link it printed. Options: `screen` (`desktop`, `phone`), `dark`, `javaScript` (true),
 *   `expected` (patterns of problems that must occur, see `guard.mjs`)
 * - `accessible(page)`: fails on what axe finds; the page must have been opened with scripts
 * - `screenshot(page, name)`: a PNG of the whole page under `target/screens/`
 */
export function check(name, body) {
  checks.push({ name, body });
}

/** Runs one check to its end, cleans up after it, and returns every failure as text: none is good. */
export async function runCheck({ body }, deadlineMs = CHECK_DEADLINE_MS) {
  const servers = [];
  const views = [];
  const failures = [];
  const attempt = (work) => work.catch((error) => failures.push(error.stack ?? String(error)));

  await attempt(
    withDeadline(
      deadlineMs,
      body({
        start: async (...how) => {
          const server = await startServer(...how);
          servers.push(server);
          return server;
        },
        open: (...how) => open(views, ...how),
        accessible: (page) => accessible(views, page),
        screenshot: (page, name) =>
          page.screenshot({ path: path.join(screensDirectory, `${name}.png`), fullPage: true }),
      }),
    ),
  );
  for (const { context, problems, expected } of views) {
    await attempt(context.close());
    failures.push(...judge(problems, expected));
  }
  for (const server of servers) await attempt(server.stop());
  return failures;
}

async function open(
  views,
  server,
  address,
  { screen = desktop, dark = false, javaScript = true, expected = [] } = {},
) {
  const browser = await browserOfThisRun();
  const context = await browser.newContext({
    viewport: screen,
    isMobile: screen === phone,
    hasTouch: screen === phone,
    colorScheme: dark ? 'dark' : 'light',
    javaScriptEnabled: javaScript,
    // Screenshots and axe see pages at rest, not halfway through a transition.
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(ACTION_DEADLINE_MS);
  views.push({ context, problems: watch(context, server.origin), expected, javaScript });
  const page = await context.newPage();
  await page.goto(new URL(address, server.origin).href);
  return page;
}

function accessible(views, page) {
  const { javaScript } = views.find(({ context }) => context === page.context());
  // axe waits on timers, which a page without scripts does not have: it would never answer.
  if (!javaScript) throw new Error('axe needs scripts: open the page again with them');
  return assertAccessible(page);
}

async function withDeadline(deadlineMs, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
