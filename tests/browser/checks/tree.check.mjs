// Names, roles and their order, as a screen reader meets them, change on purpose alone.

import { isLive } from '../bridge.mjs';
import { check } from '../harness.mjs';
import { tokens } from '../installation.mjs';
import { createShop, PROJECT, reachProduction, upToApproval, upToGate } from '../sockshop.mjs';
import { treeDiffers } from '../trees.mjs';

check('a card of the Inbox and the tasks of a sequence are read as they are stored', async ({ serve, signIn }) => {
  const shop = await serve();
  await createShop(shop);
  const before = await upToApproval(shop, 'catalogue:1.4.0');
  await shop.decide(before.id, 'approve', undefined, tokens.ada);
  await reachProduction(shop, before.context);
  const { context: waiting } = await upToApproval(shop, 'catalogue:1.5.0', { score: 78, result: 'warning' });
  const failed = await upToGate(shop, 'payment:1.4.0', { score: 41.5, result: 'fail' });

  const page = await signIn(shop, 'ada');
  await isLive(page);
  const found = [await treeDiffers(page.getByRole('article'), 'inbox-card')];
  for (const [name, context] of Object.entries({ waiting, failed, passed: before.context })) {
    await page.goto(`${shop.origin}/bridge/project/${PROJECT}/sequence/${context}`);
    await isLive(page);
    found.push(await treeDiffers(page.getByRole('region', { name: 'Tasks' }), `tasks-${name}`));
  }
  const differences = found.filter(Boolean);
  if (differences.length > 0) throw new Error(differences.join('\n\n'));
});
