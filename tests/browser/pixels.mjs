// How bright a page is while it comes, by the pixels of what is painted.

import { inflateSync } from 'node:zlib';
import { until } from './installation.mjs';

/**
 * How bright each picture was that was painted during `work`, which must change what is seen: from 0 (black) to
 * 1 (white), at least one.
 */
export async function painted(page, work) {
  const devtools = await page.context().newCDPSession(page);
  const found = [];
  devtools.on('Page.screencastFrame', ({ data, sessionId }) => {
    found.push(mean(Buffer.from(data, 'base64')));
    // The next one comes when this one is acknowledged; none comes once it is stopped.
    devtools.send('Page.screencastFrameAck', { sessionId }).catch(() => {});
  });
  const settled = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await settled();
  await devtools.send('Page.startScreencast', { format: 'png', maxWidth: 160, maxHeight: 120 });
  // The first picture shows what was there before.
  await until('a picture of what is there before', () => found.length > 0);
  const before = found.length;
  await work();
  // The last picture is on its way when the work is done.
  await settled();
  await until('a picture of what has come', () => found.length > before);
  await devtools.send('Page.stopScreencast');
  await devtools.detach();
  return found.slice(before);
}

const CHANNELS = { 2: 3, 6: 4 };

/** The mean of all colour values of a PNG with eight bits for each. */
function mean(png) {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const channels = CHANNELS[png[25]];
  if (png[24] !== 8 || !channels) throw new Error(`a PNG of ${png[24]} bits and colour type ${png[25]}`);
  const rows = unfiltered(inflateSync(Buffer.concat([...chunks(png, 'IDAT')])), width * channels, height, channels);
  let sum = 0;
  for (let index = 0; index < rows.length; index += channels) sum += rows[index] + rows[index + 1] + rows[index + 2];
  return sum / (width * height * 3 * 255);
}

function* chunks(png, wanted) {
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString('latin1', at + 4, at + 8) === wanted) yield png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
  }
}

/** Undoes the filter that each row names (PNG, section 9). */
function unfiltered(bytes, stride, height, channels) {
  const out = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row += 1) {
    const filter = bytes[row * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const at = row * stride + x;
      const left = x < channels ? 0 : out[at - channels];
      const up = row === 0 ? 0 : out[at - stride];
      const corner = x < channels || row === 0 ? 0 : out[at - stride - channels];
      const guess = [0, left, up, (left + up) >> 1, nearest(left, up, corner)][filter];
      out[at] = bytes[row * (stride + 1) + 1 + x] + guess;
    }
  }
  return out;
}

function nearest(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(guess - value));
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
