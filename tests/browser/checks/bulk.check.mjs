// Several approvals at once, each judged alone.

import assert from 'node:assert/strict';
import { ballot, heading, isRead } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { createShop, upToApproval } from '../sockshop.mjs';

check('four at once, one of them a warning and one decided meanwhile: two are approved, two are named with why not', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const all = {
    carts: await upToApproval(shop, 'carts:1.5.0'),
    catalogue: await upToApproval(shop, 'catalogue:1.5.0'),
    decided: await upToApproval(shop, 'carts:1.5.1'),
    warned: await upToApproval(shop, 'payment:1.5.0', { score: 78, result: 'warning' }),
  };
  // Without scripts: a page that has not heard of what is decided meanwhile.
  const page = await signIn(shop, 'ada', { javaScript: false });
  const pick = (card) => card.getByRole('checkbox', { name: /approve together with others/i });
  for (const { image } of [all.carts, all.catalogue, all.decided]) {
    const form = ballot(page, image);
    // Only what was read can be selected.
    if (!(await isRead(form))) {
      assert.equal(await pick(form.card).isVisible(), false, `${image} cannot be selected unread`);
      for (const summary of await form.evidence.locator('summary').all()) {
        if (!(await summary.evaluate((element) => element.parentElement.open))) await summary.click();
      }
    }
    await pick(form.card).check();
  }
  assert.equal(await pick(ballot(page, 'payment:1.5.0').card).count(), 0, 'a warning wants a reason of its own');
  // A form that asks for it all the same.
  await page.locator('input[name="pick"]').first().evaluate(
    (field, value) => {
      const more = field.cloneNode();
      more.value = value;
      field.after(more);
      more.checked = true;
    },
    `${all.warned.id}:${all.warned.subject}`,
  );
  await shop.decide(all.decided.id, 'decline', 'error budget is spent');
  await page.getByRole('button', { name: /approve the selected/i }).click();
  await heading(page, /2.*approved|approved.*2/i).waitFor();
  const row = (what) => page.getByRole('listitem').filter({ hasText: what });
  await row('carts:1.5.0').getByText('Approved', { exact: true }).waitFor();
  await row('catalogue:1.5.0').getByText('Approved', { exact: true }).waitFor();
  assert.match(await row('carts:1.5.1').innerText(), /declined/i);
  assert.match(await row('payment:1.5.0').innerText(), /warning|reason/i);
  for (const [name, state] of Object.entries({ carts: 'approve', catalogue: 'approve', decided: 'decline' })) {
    assert.equal((await shop.approval(all[name].id)).decided.decision, state, name);
  }
  assert.equal((await shop.approval(all.warned.id)).state, 'open');
});
