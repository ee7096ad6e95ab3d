// What must not happen on any page, whatever else a check looks at.

/**
 * Watches every page of a browser context and returns the list it writes problems to: errors on the
 * console (a breach of the content security policy is one), uncaught exceptions, requests to another
 * origin, answers of 500 and above.
 */
export function watch(context, origin) {
  const problems = [];
  context.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console error: ${message.text()}`);
  });
  context.on('weberror', (error) => problems.push(`uncaught: ${error.error().message}`));
  context.on('request', (request) => {
    const url = new URL(request.url());
    const local = url.protocol === 'data:' || url.protocol === 'blob:';
    if (!local && url.origin !== origin) problems.push(`request to another origin: ${url}`);
  });
  context.on('response', (response) => {
    if (response.status() >= 500) problems.push(`answer ${response.status()}: ${response.url()}`);
  });
  return problems;
}

/** Problems nobody expected or allows for, and expectations that did not come true. */
export function judge(problems, expected, allowed = []) {
  const known = [...expected, ...allowed];
  const surprises = problems.filter((problem) => !known.some((pattern) => pattern.test(problem)));
  const missed = expected
    .filter((pattern) => !problems.some((problem) => pattern.test(problem)))
    .map((pattern) => `expected and did not happen: ${pattern}`);
  return [...surprises, ...missed];
}
