// What a check file imports: `check`, and what the body of a check is given.

import path from 'node:path';
import { assertAccessible } from './axe.mjs';
import { browserOfThisRun } from './chromium.mjs';
import { judge, watch } from './guard.mjs';
import { serve } from './installation.mjs';
import { screensDirectory } from './paths.mjs';
import { startServer } from './server.mjs';

const CHECK_DEADLINE_MS = 120_000;
const ACTION_DEADLINE_MS = 15_000;

/** The screens that pages are made for. */
export const desktop = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };
export const landscape = { width: 844, height: 390 };

const isTouched = (screen) => screen === phone || screen === landscape;

/** Every check that was declared, in order. */
export const checks = [];

/**
 * Declares a check. Its body is given
 * - `serve(how)`: an installation of its own with users and an API, see `installation.mjs`; after the
 *   check, every approval in it must have exactly the `approval.finished` that its state says
 * - `start(args, options)`: a server of its own, see `startServer`; stopped after the check
 * - `open(server, address, options)`: a page in a browser profile of its own, at a path of the server
 *   or a link it printed. Options: `screen` (`desktop`, `phone`, `landscape`), `dark`, `javaScript`
 *   (true), `expected` and `allowed` (patterns of problems that must or may occur, see `guard.mjs`), and
 *   `context`, what Playwright's `newContext` takes besides
 * - `signIn(installation, name, options)`: the Inbox of somebody who has signed in by a link; options as
 *   for `open`, and `next`, the page to come to instead
 * - `accessible(page)`: fails on what axe finds; the page must have been opened with scripts
 * - `screenshot(page, name, { fullPage })`: a PNG under `target/screens/`, of the whole page unless told
 *   otherwise: Chromium takes no picture of what is very long
 *
 * Options of the check: `alone`, where it measures time and wants the machine to itself; `weight`, where
 * it takes much longer than others (they begin with the heaviest); `deadlineMs`; `knownFailure`, a pattern of the
 * failure that the check has as long as a known fault is not mended: it fails when it starts to pass.
 */
export function check(name, ...rest) {
  const body = rest.pop();
  const [options = {}] = rest;
  checks.push({ name, body, weight: 1, ...options });
}

/** Runs one check to its end, cleans up after it, and returns every failure as text: none is good. */
export async function runCheck({ body, knownFailure, deadlineMs = CHECK_DEADLINE_MS }) {
  const failures = await failuresOf(body, deadlineMs);
  if (!knownFailure) return failures;
  if (failures.length === 0) return [`passes now: it is no known failure any more (${knownFailure})`];
  return failures.filter((failure) => !knownFailure.test(failure));
}

async function failuresOf(body, deadlineMs) {
  const servers = [];
  const installations = [];
  const views = [];
  const failures = [];
  const attempt = (work) => work.catch((error) => failures.push(error.stack ?? String(error)));
  const start = async (...how) => {
    const server = await startServer(...how);
    servers.push(server);
    return server;
  };

  await attempt(
    withDeadline(
      deadlineMs,
      body({
        start,
        serve: async (how) => {
          const installation = await serve(start, how);
          installations.push(installation);
          return installation;
        },
        open: (...how) => open(views, ...how),
        signIn: (...how) => signIn(views, ...how),
        accessible: (page) => accessible(views, page),
        screenshot: (page, name, { fullPage = true } = {}) =>
          page.screenshot({ path: path.join(screensDirectory, `${name}.png`), fullPage }),
      }),
    ),
  );
  for (const { context, problems, expected, allowed } of views) {
    await attempt(context.close());
    failures.push(...judge(problems, expected, allowed));
  }
  for (const installation of installations) await attempt(installation.assertDecidedOnce());
  // A stream that outlives its page keeps its connection.
  for (const server of servers) await attempt(server.lonely());
  for (const server of servers) await attempt(server.stop());
  return failures;
}

async function open(
  views,
  { origin },
  address,
  { screen = desktop, dark = false, javaScript = true, expected = [], allowed = [], context: more = {} } = {},
) {
  const browser = await browserOfThisRun();
  const context = await browser.newContext({
    viewport: screen,
    isMobile: isTouched(screen),
    hasTouch: isTouched(screen),
    colorScheme: dark ? 'dark' : 'light',
    javaScriptEnabled: javaScript,
    // Screenshots and axe see pages at rest, not halfway through a transition.
    reducedMotion: 'reduce',
    ...more,
  });
  context.setDefaultTimeout(ACTION_DEADLINE_MS);
  views.push({ context, problems: watch(context, origin), expected, allowed, javaScript });
  const page = await context.newPage();
  await page.goto(new URL(address, origin).href);
  return page;
}

async function signIn(views, installation, name, { next = '/bridge/inbox', ...options } = {}) {
  const link = await installation.link(name);
  const page = await open(views, installation, `${link}&next=${encodeURIComponent(next)}`, options);
  await page.getByRole('button', { name: `Sign in as ${name}` }).click();
  // Scripts wait for the page with them; a redirect may have more than one step.
  await page.waitForURL((url) => !url.pathname.endsWith('/login'));
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
