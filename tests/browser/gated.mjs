// A gate that judges: the checks answer for its SLI provider, and nobody judges in its place.

import { until } from './installation.mjs';
import { begin, SERVICE } from './judged.mjs';

/** The SLI provider of such an installation, for `serve({ gate })`. */
export const PROVIDER = 'checks';

/** Delivers, measures for the gate, and answers with what it says. */
export async function evaluated(installation, image, values, { project } = {}) {
  const context = await begin(installation, image, { project });
  const find = async (type) => (await installation.events(project, type, context))[0];
  const asked = await until(`the gate to ask for the values of ${image}`, () => find('get-sli.triggered'));
  const { stage, 'get-sli': question } = asked.data;
  const data = { project, stage, service: SERVICE };
  const answer = (phase, more) =>
    installation.send({
      type: `sh.keptn.event.get-sli.${phase}`,
      shkeptncontext: context,
      triggeredid: asked.id,
      source: PROVIDER,
      data: { ...data, status: 'succeeded', ...more },
    });
  await answer('started', {});
  const indicatorValues = Object.entries(values).map(([metric, value]) => ({ metric, value, success: true }));
  await answer('finished', { result: 'pass', 'get-sli': { ...question, indicatorValues } });
  return until(`the gate to judge ${image}`, () => find('evaluation.finished'));
}
