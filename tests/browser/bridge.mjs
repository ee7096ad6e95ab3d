// What people look for on the Bridge's pages, found as they find it: by what it is and what it is called.

import assert from 'node:assert/strict';
import { request } from './http.mjs';
import { until } from './installation.mjs';

/** The page's own heading, once it says so. */
export const heading = (page, words) => page.getByRole('heading', { level: 1, name: words });

/** Every form that decides, whatever it decides about. */
export const approveButtons = (page) => page.getByRole('button', { name: /^approve \S+ for /i });

/** What the approve buttons of a page are about, in their order: `carts:1.5.0`. */
export const asked = async (page) =>
  (await approveButtons(page).evaluateAll((buttons) => buttons.map((button) => button.ariaLabel))).map(
    (label) => label.match(/^Approve (\S+) for /)[1],
  );

/** Where an approval is decided: what is asked, the evidence, the reason and the two buttons. */
export function ballot(page, what, stage = 'production') {
  const approve = page.getByRole('button', { name: `Approve ${what} for ${stage}`, exact: true });
  const card = page.getByRole('article').filter({ has: approve });
  return {
    card,
    approve,
    decline: page.getByRole('button', { name: `Decline ${what} for ${stage}`, exact: true }),
    reason: page.getByRole('textbox', { name: `Reason for ${what}, ${stage}`, exact: true }),
    /** Each part of the evidence unfolds by itself. */
    evidence: card.locator('details'),
  };
}

/** Whether all of a card's evidence can be read. */
export const isRead = ({ evidence }) =>
  evidence.evaluateAll((parts) => parts.length > 0 && parts.every((part) => part.open));

/**
 * Waits until the page says that the reader has decided: in its heading, or, where several wait, in a line
 * in the place of the card.
 */
export const isDone = (page, done, what, stage = 'production') =>
  page.getByRole('main').getByText(`You ${done} ${what} for ${stage}`).first().waitFor();

/** The line that says whether the page is kept true. */
export const liveness = (page) => page.getByText(/^(live\b|not live|reconnecting)/i).first();

/** Waits until the page says that it is kept true. */
export const isLive = (page, timeout) => page.getByText(/^live\b/i).first().waitFor({ timeout });

/** Remembers this document: after a reload or another page, `isSameDocument` is false. */
export const mark = (page) => page.evaluate(() => (window.checked = true));
export const isSameDocument = (page) => page.evaluate(() => window.checked === true);

/** What the live region has said since this was called, a line for each change. */
export async function listen(page) {
  await page.evaluate(() => {
    window.said = [];
    const note = () => {
      const text = document.querySelector('[role="status"]:not(main *)')?.textContent.trim();
      if (text) window.said.push(text);
    };
    new MutationObserver(note).observe(document.querySelector('[role="status"]:not(main *)'), {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  return () => page.evaluate(() => window.said);
}

/** Fails unless the focus can be seen, on the screen and with nothing over it. */
export async function assertFocusSeen(page) {
  const problem = await page.evaluate(() => {
    const active = document.activeElement;
    const name = `${active.localName} “${(active.getAttribute('aria-label') ?? active.textContent).trim().slice(0, 60)}”`;
    if (active === document.body) return 'nothing has the focus';
    if (getComputedStyle(active).outlineStyle === 'none') return `${name} has no outline`;
    // Lines of a link that wraps are boxes of their own.
    const box = [...active.getClientRects()].find((rect) => rect.width > 0 && rect.height > 0);
    if (!box) return `${name} has no box`;
    const x = box.left + box.width / 2;
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    const y = (top + bottom) / 2;
    if (x < 0 || x > innerWidth || y < 0 || y > innerHeight) return `${name} is off the screen at ${x}, ${y}`;
    // What is as tall as a card may go on below a bar; what is small must be seen whole.
    const isTall = box.height > innerHeight / 4;
    for (const spot of isTall ? [y, top + 2] : [y, top + 2, bottom - 2]) {
      const above = document.elementFromPoint(x, spot);
      const around = active.closest('label, summary, form') ?? active;
      if (above && !active.contains(above) && !above.contains(active) && !around.contains(above)) {
        return `${name} is covered by ${above.localName}.${above.className} at ${x}, ${spot}`;
      }
    }
    return null;
  });
  if (problem) assert.fail(problem);
}

/** Moves the focus with Tab alone until it is on `wanted`; answers with how many presses it took. */
export async function tabTo(page, wanted) {
  for (let presses = 1; presses <= 120; presses += 1) {
    await page.keyboard.press('Tab');
    if (await wanted.evaluate((element) => element === document.activeElement)) {
      await assertFocusSeen(page);
      return presses;
    }
  }
  return assert.fail('Tab does not get there');
}

/** Fails where the page is wider than its screen; names what sticks out. */
export async function assertNotSideways(page) {
  const wide = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.scrollingElement;
    if (scrollWidth <= clientWidth) return null;
    const out = [...document.querySelectorAll('main *, body > *')].filter((element) => {
      const isCut = element.parentElement.closest('pre, [class]') && getComputedStyle(element.parentElement).overflowX !== 'visible';
      return !isCut && element.getBoundingClientRect().right > clientWidth + 1;
    });
    const names = out.slice(-3).map((element) => `${element.localName}.${element.getAttribute('class') ?? ''} “${element.textContent.trim().slice(0, 40)}”`);
    return `${scrollWidth} px wide on a screen of ${clientWidth} px: ${names.join(', ')}`;
  });
  if (wide) assert.fail(`${page.url()} is ${wide}`);
}

/** Waits until the API says that an approval is decided, and answers with the decision. */
export const decision = (installation, id) =>
  until(`a decision of ${id}`, async () => (await installation.approval(id)).decided);

/** The cookies of a page's browser, as a request carries them. */
export async function cookieOf(page) {
  const cookies = await page.context().cookies();
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

/**
 * Sends a form as the browser of `page` would, or as one that was led astray: with other `headers`.
 * Redirects are not followed.
 */
export async function sendForm(page, address, fields, headers = {}) {
  const url = new URL(address, page.url());
  return request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      cookie: await cookieOf(page),
      origin: url.origin,
      ...headers,
    },
    body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
  });
}
