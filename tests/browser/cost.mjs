// What a page costs, in processor time and memory: measures that hold on a machine that others use as well.

import { readFile } from 'node:fs/promises';
import { browserOfThisRun } from './chromium.mjs';

/** What the browser and all of its pages have used so far: processor time in milliseconds, by process. */
async function processes() {
  const devtools = await (await browserOfThisRun()).newBrowserCDPSession();
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
  await devtools.detach();
  return processInfo.map(({ id, type, cpuTime }) => ({ id, type, spent_ms: cpuTime * 1000 }));
}

/**
 * The processor time that the whole browser needs for some work, in milliseconds: scripts, layout, painting and
 * what it takes to hear of it. The check must have the browser to itself.
 */
export async function processorTime(work) {
  const before = new Map((await processes()).map(({ id, spent_ms }) => [id, spent_ms]));
  await work();
  const spent = (await processes()).map(({ id, spent_ms }) => spent_ms - (before.get(id) ?? 0));
  return spent.reduce((sum, one) => sum + one, 0);
}

/** The processor time that a page's own thread needs for some work, in milliseconds: scripts, style and layout. */
export async function threadTime(page, work) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent_ms = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  };
  const before = await spent_ms();
  await work();
  const after = await spent_ms();
  await devtools.detach();
  return after - before;
}

/**
 * The memory that the page's process takes, in bytes: scripts and document, what is laid out and what is painted.
 * The largest process of pages is the page's where the check has the browser to itself. Linux alone tells; others
 * answer with the heap of the scripts.
 */
export async function memory(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  await devtools.detach();
  if (process.platform !== 'linux') return usedSize;
  const sizes = (await processes()).filter(({ type }) => type === 'renderer').map(async ({ id }) => {
    const table = await readFile(`/proc/${id}/smaps_rollup`, 'utf8').catch(() => '');
    // Its share of what several processes have in common counts as well.
    return Number(table.match(/^Pss: +(\d+) kB$/m)?.[1] ?? 0) * 1024;
  });
  return Math.max(...(await Promise.all(sizes)));
}
