// The bars of a sequence, as they are seen and as the log wants them.

import assert from 'node:assert/strict';

/** What is shorter can still be seen. */
const LEAST_PX = 3;

/** A span as the page writes it, in milliseconds: `1 min 2 s`, `1.7 s`, `17 ms`. */
export function milliseconds(text) {
  const units = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?) (ms|s|min|h|d)\b/g)];
  assert(parts.length > 0, `${text} is a span`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit], 0);
}

/** The row of a task, by the id of its `.triggered` event. */
export const rowOf = (page, id) => page.locator(`[id="t-${id}"]`);

/** Fails unless a text says that span, as exactly as it says it: to the millisecond, the tenth or the second. */
export function assertSpan(text, wanted_ms, what) {
  const exact_ms = /ms/.test(text) ? 2 : /\./.test(text) || wanted_ms < 10_000 ? 100 : 1000;
  assert(Math.abs(milliseconds(text) - wanted_ms) <= exact_ms, `${what} ${text}, not ${wanted_ms} ms`);
}

/** How long a row says that its task took. */
export const tookOf = (page, id) => rowOf(page, id).locator('.took').first().innerText();

/** Begin and length of the scale that all bars share, in milliseconds. */
export const scaleOf = (page) =>
  page.locator('[data-start]').first().evaluate(({ dataset }) => ({ from: Number(dataset.start), length: Number(dataset.length) }));

/** The bars of a row that show work or a person, in pixels from its left edge, and how wide the row is. */
export const barsOf = (page, id) =>
  rowOf(page, id).locator('svg.bar').first().evaluate((svg) => {
    const whole = svg.getBoundingClientRect();
    // A foot, a few pixels wide, and what is to scale begin at the same place.
    const bars = new Map();
    for (const rect of svg.querySelectorAll('rect.work, rect.ask')) {
      const { left, right, top } = rect.getBoundingClientRect();
      const known = bars.get(top) ?? { left: left - whole.left, right: right - whole.left };
      bars.set(top, { left: known.left, right: Math.max(known.right, right - whole.left) });
    }
    return { bars: [...bars].sort(([a], [b]) => a - b).map(([, bar]) => bar), width: whole.width };
  });

/**
 * Fails unless the bars of a row lie where these spans are, to the pixel: one for each `[start, end]`, in
 * milliseconds since 1970, from the top.
 */
export async function assertBars(page, id, spans, what) {
  const [{ from, length }, { bars, width }] = [await scaleOf(page), await barsOf(page, id)];
  assert.equal(bars.length, spans.length, `${what} has a bar for each`);
  spans.forEach(([start, end], index) => {
    const [bar, px] = [bars[index], (span_ms) => (span_ms / length) * width];
    assert(start >= from - 1 && end <= from + length + 1, `${what} lies on the scale`);
    assert(Math.abs(bar.left - px(start - from)) <= 1, `${what} begins at ${bar.left} px, not ${px(start - from)} px`);
    const wanted = Math.max(px(end - start), LEAST_PX);
    assert(Math.abs(bar.right - bar.left - wanted) <= 1, `${what} is ${bar.right - bar.left} px long, not ${wanted} px`);
  });
}

/** Fails where a bar of a row begins before its scale, ends behind it, or cannot be seen; answers with how many. */
export async function assertBarsInside(page, id, what) {
  const { bars, width } = await barsOf(page, id);
  for (const { left, right } of bars) {
    assert(left >= -1 && right <= width + LEAST_PX + 1, `${what} goes from ${left} px to ${right} px of ${width} px`);
    assert(right - left >= LEAST_PX - 1, `${what} is ${right - left} px long`);
  }
  return bars.length;
}
