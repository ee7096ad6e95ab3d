// The output of a job can be read while it grows and when it is long.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isLive, isSameDocument, mark } from '../bridge.mjs';
import { memory, processorTime, threadTime } from '../cost.mjs';
import { check } from '../harness.mjs';
import { run } from '../job.mjs';
import { createShop, ONE_TASK, PROJECT } from '../sockshop.mjs';

const LINES = 100_000;
const FRAMES = 100;
/** Processor time that a frame may take where 50 of them are shown in a second. */
const FRAME_MS = 1000 / 50;
/** Processor time from a key to its hits on the page; people begin to wait at 100 ms. */
const KEY_MS = 100;
const MEMORY_BYTES = 200 * 1024 * 1024;

/** Scrolls from one end to the other and back as often as it takes, a step for each frame. */
const scroll = (output, frames) =>
  output.evaluate(async (log, frames) => {
    const end = log.scrollHeight - log.clientHeight;
    const step = end / Math.floor(frames / 2);
    for (let frame = 0; frame < frames; frame += 1) {
      log.scrollTop = Math.abs(((frame * step) % (2 * end)) - end);
      await new Promise(requestAnimationFrame);
    }
    return end;
  }, frames);

check('a log of a hundred thousand lines: read while it grows, scrolled at 50 frames a second, searched, within 200 MB', { alone: true }, async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop, PROJECT, ONE_TASK);
  const go = path.join(shop.server.data, 'go');
  const line = 'GET /carts answered 200 in 17 ms, as one of fifty people who do nothing else';
  const command = `until [ -e ${go} ]; do sleep 0.05; done; i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo "$i ${line}"; done`;
  const { id, shkeptncontext: context } = await run(shop, 'carts', command);
  const page = await signIn(shop, 'ada', { next: `/bridge/project/${PROJECT}/sequence/${context}?open=${id}` });
  await isLive(page);
  await mark(page);

  // It grows on the open page, which stays at its end.
  await writeFile(go, '');
  const output = page.getByRole('log');
  await output.getByText(`${LINES} ${line}`).waitFor();
  await page.getByText('Passed', { exact: true }).first().waitFor();
  assert(await isSameDocument(page));
  assert(await output.evaluate((log) => log.scrollTop + log.clientHeight >= log.scrollHeight - 4), 'it shows its end');
  const shown = (await output.innerText()).trim().split('\n');
  assert(shown.length >= 1000 && shown.length <= 2000, `${shown.length} lines are shown`);

  await scroll(output, 2);
  let end;
  const scroll_ms = await processorTime(async () => (end = await scroll(output, FRAMES)));
  assert(end > 10_000, `${end} px were scrolled`);
  assert(scroll_ms / FRAMES < FRAME_MS, `a frame takes ${(scroll_ms / FRAMES).toFixed(1)} ms of processor time`);

  const field = page.getByRole('searchbox', { name: /^find in the output/i });
  const hits = page.locator('.hits');
  const find = async (text, words) => {
    const key_ms = await threadTime(page, async () => {
      await field.fill(text);
      await hits.filter({ hasText: words }).waitFor();
    });
    assert(key_ms < KEY_MS, `to find “${text}” takes ${key_ms.toFixed(1)} ms of processor time`);
  };
  // What is in every line several times, in few, in one, and in none that is shown.
  await find('e', /^1 of \d+$/);
  await find(`${LINES - 1}`.slice(0, 4), /^1 of 1?\d$/);
  await find(`${LINES - 999} GET`, /^1 of 1$/);
  const at = await output.evaluate((log) => {
    const [range] = CSS.highlights.get('here');
    const [hit, frame] = [range.getBoundingClientRect(), log.getBoundingClientRect()];
    return { text: range.toString(), isSeen: hit.top >= frame.top && hit.bottom <= frame.bottom };
  });
  assert.deepEqual(at, { text: `${LINES - 999} GET`, isSeen: true });
  await find('no such line', /^not there$/);

  const bytes = await memory(page);
  assert(bytes < MEMORY_BYTES, `the page takes ${Math.round(bytes / 1024 / 1024)} MB`);
});
