// A delivery whose gate has failed, and a person who may let it go on all the same: in both places where an
// approval can ask for that.

import { tokens } from './installation.mjs';
import { measured } from './sockshop.mjs';

export const SERVICE = 'carts';
export const REASON = 'the probe measured the wrong host';

const shipyard = (stages) => `apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata:
  name: failing
spec:
  stages:
${stages}`;

/** The approval stands directly behind the gate, and another stage follows. */
const BEHIND = (properties) =>
  shipyard(`    - name: qa
      sequences:
        - name: delivery
          tasks:
            - name: deployment
            - name: evaluation
            - name: approval
              properties: ${properties}
            - name: release
    - name: production
      sequences:
        - name: delivery
          triggeredOn:
            - event: qa.delivery.finished
          tasks:
            - name: deployment
`);

/** The approval begins a sequence that the fail triggers. */
const AFTER = (properties) =>
  shipyard(`    - name: qa
      sequences:
        - name: delivery
          tasks:
            - name: deployment
            - name: evaluation
    - name: production
      sequences:
        - name: rescue
          triggeredOn:
            - event: qa.delivery.finished
              selector: { match: { result: fail } }
          tasks:
            - name: approval
              properties: ${properties}
            - name: deployment
`);

export const WAITS = '{ pass: automatic, warning: manual, policy: { onFail: manual } }';
export const ENDS = '{ pass: automatic, warning: manual }';

/**
 * The places: `shipyard`, a function of the properties of the approval; `stage`, where it asks; `then`, the tasks
 * that follow; `ends`, how the sequence ends where nobody is asked.
 */
export const PLACES = {
  behind: {
    shipyard: BEHIND,
    stage: 'qa',
    then: ['release', 'deployment'],
    ends: 'Failed',
  },
  triggered: {
    shipyard: AFTER,
    stage: 'production',
    then: ['deployment'],
    ends: 'Declined',
  },
};

/** Delivers to qa, where the gate fails; answers with the context. */
export async function fails(installation, project, image) {
  const trigger = { project, stage: 'qa', sequence: 'delivery', service: SERVICE, image, token: tokens['ci-main'] };
  const context = await installation.trigger(trigger);
  await installation.perform(project, context, 'deployment');
  await installation.evaluate(project, context, 41.5, 'fail', measured('fail'));
  return context;
}

/** What follows once it was let through. */
export async function goesOn(installation, project, context, { then }) {
  for (const task of then) await installation.perform(project, context, task);
}

/** Fills a project of its own: one delivery that was let through to its end, and one that waits. */
export async function fillFailing(installation, project = 'rescued') {
  const place = PLACES.behind;
  await installation.create(project, place.shipyard(WAITS), [SERVICE]);
  const overridden = await fails(installation, project, 'carts:1.4.0');
  const { id, subject } = await installation.waiting(overridden);
  await installation.decide(id, 'approve', REASON, tokens.ada, subject);
  await goesOn(installation, project, overridden, place);
  const waiting = await fails(installation, project, 'carts:1.5.0');
  return { project, overridden, approved: id, asked: (await installation.waiting(waiting)).id };
}
