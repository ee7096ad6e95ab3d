// Long and foreign names: nothing overlaps, nothing is cut off for good.

import assert from 'node:assert/strict';
import { assertNotSideways } from '../bridge.mjs';
import { check, desktop, phone } from '../harness.mjs';
import { ask, GATE } from '../sockshop.mjs';

const SERVICE = `carts-${'abcdefghij'.repeat(4)}`.slice(0, 43);
const IMAGE = `registry.example:5000/${'team/'.repeat(70)}${'x'.repeat(20)}@sha256:${'0123456789abcdef'.repeat(4)}`.slice(0, 400);
const LABELS = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`label-${index}-${'k'.repeat(index)}`, `${'value '.repeat(index)}${'w'.repeat(index * 4)}`]));
const PROJECT = 'p-'.repeat(20).slice(0, 39) + 'x';
/** Services of other scripts, one of which is read from the right. */
const FOREIGN = ['购物车服务', 'خدمة-العربة', 'テスト・サービス', 'ταχυδρομείο'];

/** Texts on the page that lie over each other, or that their box cuts off without a way to read them. */
const faults = (page) =>
  page.evaluate(() => {
    const main = document.querySelector('main');
    const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    const found = [];
    const boxes = [];
    /** What the boxes around it that scroll or cut leave of a line. */
    const seen = ({ left, top, right, bottom }, element) => {
      for (let box = element; box && box !== main; box = box.parentElement) {
        if (getComputedStyle(box).overflowY === 'visible') continue;
        const outer = box.getBoundingClientRect();
        left = Math.max(left, outer.left);
        top = Math.max(top, outer.top);
        right = Math.min(right, outer.right);
        bottom = Math.min(bottom, outer.bottom);
      }
      return { left, top, right, bottom, width: right - left, height: bottom - top };
    };
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!node.data.trim() || !node.parentElement.checkVisibility({ visibilityProperty: true })) continue;
      if (node.parentElement.closest('.hidden, .skip')) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const line of range.getClientRects()) {
        const rect = seen(line, node.parentElement);
        if (rect.width > 1 && rect.height > 1) boxes.push({ node, rect });
      }
      for (let box = node.parentElement; box !== main.parentElement; box = box.parentElement) {
        const style = getComputedStyle(box);
        const cut = box.scrollWidth > box.clientWidth + 1 && ['hidden', 'clip'].includes(style.overflowX) && box.clientWidth > 0;
        // Cut with a mark, and whole where its link leads or in its title.
        const isWhole = style.textOverflow === 'ellipsis' && box.closest('a[href], [title]');
        if (cut && !isWhole) found.push(`cut off: ${box.className} “${node.data.trim().slice(0, 40)}”`);
      }
    }
    boxes.sort((a, b) => a.rect.top - b.rect.top);
    for (let one = 0; one < boxes.length; one += 1) {
      const a = boxes[one];
      for (let two = one + 1; two < boxes.length && boxes[two].rect.top < a.rect.bottom; two += 1) {
        const b = boxes[two];
        const stays = (node) => ['sticky', 'fixed'].includes(getComputedStyle(node.parentElement.closest('.ballot, .news') ?? document.body).position);
        if (a.node === b.node || stays(a.node) || stays(b.node)) continue;
        const wide = Math.min(a.rect.right, b.rect.right) - Math.max(a.rect.left, b.rect.left);
        const high = Math.min(a.rect.bottom, b.rect.bottom) - Math.max(a.rect.top, b.rect.top);
        // Line boxes of large and small type touch; letters do not.
        if (wide > 2 && high > Math.min(a.rect.height, b.rect.height) * 0.5) {
          found.push(`over each other: “${a.node.data.trim().slice(0, 40)}” and “${b.node.data.trim().slice(0, 40)}”`);
        }
      }
    }
    return [...new Set(found)];
  });

for (const [name, screen] of Object.entries({
  'long and foreign names do not overlap and are not lost on a desktop': desktop,
  'long and foreign names do not overlap and are not lost on a phone': phone,
})) {
  check(name, { weight: 2 }, async ({ serve, signIn, screenshot }) => {
    const shop = await serve();
    await shop.create(PROJECT, GATE, [SERVICE, ...FOREIGN]);
    const how = { project: PROJECT, labels: LABELS, service: SERVICE };
    const approval = await ask(shop, IMAGE, how);
    for (const service of FOREIGN) await ask(shop, `${service}:版本-1`, { ...how, service });
    const page = await signIn(shop, `Ανδρέας-${'o'.repeat(90)}`, { screen });
    const sequence = `/bridge/project/${PROJECT}/sequence/${approval.context}`;
    for (const [index, path] of ['/bridge/inbox', '/bridge/projects', `/bridge/project/${PROJECT}`, `/bridge/project/${PROJECT}/sequence`,
      sequence, `${sequence}/abort`, `/bridge/approval/${approval.id}`, '/bridge/me', `/bridge/search?q=${encodeURIComponent('خدمة')}`].entries()) {
      await page.goto(shop.origin + path);
      await page.locator('main details').evaluateAll((all) => all.forEach((details) => (details.open = true)));
      await screenshot(page, `long-${index}.light.${screen.width}`, { fullPage: false });
      assert.deepEqual(await faults(page), [], path);
      await assertNotSideways(page);
    }
    // Copied from the page, it is the whole value.
    await page.goto(`${shop.origin}/bridge/approval/${approval.id}`);
    await page.locator('main details').evaluateAll((all) => all.forEach((details) => (details.open = true)));
    const copied = await page.evaluate(() => {
      getSelection().selectAllChildren(document.querySelector('main'));
      return getSelection().toString().replace(/\s+/g, '');
    });
    for (const whole of [IMAGE, SERVICE, PROJECT, approval.context, ...Object.values(LABELS)]) {
      assert(copied.includes(whole.replace(/\s+/g, '')), `${whole.slice(0, 60)} is copied whole`);
    }
  });
}
