// Whether an open page is true: whether it says what a new one says, and what it hears of.

import assert from 'node:assert/strict';
import { until } from './installation.mjs';

/** What Chromium notes while nobody answers. */
export const unreachable = [/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_INTERNET_DISCONNECTED|ERR_EMPTY_RESPONSE/];

/** Waits until the page says that it hears nothing any more. */
export const isLost = (page, timeout) =>
  page.getByText(/reconnecting, true as of \d\d:\d\d:\d\d/i).first().waitFor({ timeout });

/** What a page says, word by word, without what depends on when it was loaded. */
const said = (page) =>
  page.getByRole('main').evaluate((main) => {
    const copy = main.cloneNode(true);
    copy.querySelectorAll('time').forEach((time) => time.replaceChildren(time.dateTime));
    copy.querySelectorAll('.gone').forEach((gone) => gone.remove());
    const texts = [];
    const walker = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) texts.push(node.data.trim());
    // How long what is open has lasted grows from load to load.
    return texts.filter(Boolean).join(' ').replace(/\b[\d.]+ (ms|s|min|h)\b( \d+ (s|min)\b)?/g, 'a while');
  });

/** Shows what was held back so that nothing moves under a finger. */
async function showNews(page) {
  const news = page.getByRole('button', { name: /^\d+ new, show$/ });
  if (await news.count()) await news.click();
}

/** The same page as a new tab shows it. */
async function fresh(page) {
  const tab = await page.context().newPage();
  await tab.goto(page.url());
  const text = await said(tab);
  await tab.close();
  return text;
}

/** Waits until an open page says what a new one says. */
export async function isAsFresh(page) {
  let open, wanted;
  try {
    await until('', async () => {
      await showNews(page);
      [open, wanted] = [await said(page), await fresh(page)];
      return open === wanted;
    });
  } catch {
    assert.equal(open, wanted, `the open page says what a new one says: ${page.url()}`);
  }
}

/**
 * Every message that the page's stream brings from now on, oldest first: its `name`, its `position` and its
 * `data`. Only the tab that holds the stream of a browser hears any.
 */
export async function messages(page) {
  const devtools = await page.context().newCDPSession(page);
  const heard = [];
  devtools.on('Network.eventSourceMessageReceived', ({ eventName: name, eventId: position, data }) => {
    if (name !== 'beat') heard.push({ name, position, data });
  });
  await devtools.send('Network.enable');
  return heard;
}
