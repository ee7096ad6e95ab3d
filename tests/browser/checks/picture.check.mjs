// The picture in the README shows the Bridge as it is, and is there.

import assert from 'node:assert/strict';
import { access, copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { asked, ballot, heading, isLive, isRead } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { picturesDirectory, screensDirectory } from '../paths.mjs';
import { createShop, reachProduction, upToApproval } from '../sockshop.mjs';

/** Set by `cargo xtask pictures`. */
const RENEW = process.env.TIDEGATE_PICTURES === 'renew';
const NAME = 'inbox.png';
const BELOW_PX = 32;

check('the picture in the README: an Inbox with what is asked and why', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const before = await upToApproval(shop, 'carts:1.4.2');
  await shop.decide(before.id, 'approve');
  await reachProduction(shop, before.context);
  await upToApproval(shop, 'carts:1.5.0');
  await upToApproval(shop, 'payment:2.1.0', { score: 78, result: 'warning' });
  const page = await signIn(shop, 'ada', { screen: { width: 1280, height: 1600 } });
  await heading(page, /^inbox/i).waitFor();
  await isLive(page);
  const [first] = await asked(page);
  assert.equal(first, 'carts:1.5.0');
  assert(await isRead(ballot(page, first)));
  const { y, height } = await ballot(page, first).card.boundingBox();
  // The column at the side is as high as the picture.
  await page.setViewportSize({ width: 1280, height: Math.ceil(y + height) + BELOW_PX });
  const file = path.join(screensDirectory, NAME);
  await page.screenshot({ path: file });

  const kept = path.join(picturesDirectory, NAME);
  if (RENEW) {
    await mkdir(picturesDirectory, { recursive: true });
    await copyFile(file, kept);
  }
  await assert.doesNotReject(access(kept), `docs/pictures/${NAME} is missing: run \`cargo xtask pictures\``);
});
