// Accessibility, judged by axe-core in the page.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails when axe finds a violation on the page; names the rule, the element and what is wrong. */
export async function assertAccessible(page) {
  // Through the debugger, not through a script element or `eval`: the page's own content security
  // policy stays in force.
  const session = await page.context().newCDPSession(page);
  try {
    if (!(await evaluate(session, `'axe' in window`))) await evaluate(session, `${await source}; 0`);
    const options = JSON.stringify({ runOnly: RULES, resultTypes: ['violations'] });
    const violations = await evaluate(
      session,
      `axe.run(document, ${options}).then((result) => result.violations)`,
    );
    if (violations.length > 0) throw new Error(violations.flatMap(describe).join('\n'));
  } finally {
    await session.detach();
  }
}

async function evaluate(session, expression) {
  const answer = await session.send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  if (answer.exceptionDetails) {
    throw new Error(`axe did not run: ${answer.exceptionDetails.exception?.description}`);
  }
  return answer.result.value;
}

function describe(violation) {
  return violation.nodes.map(
    (node) => `axe ${violation.id}: ${node.target.join(' ')}: ${node.failureSummary.replaceAll('\n', ' ')}`,
  );
}
