// Jobs of ours, whose output the Bridge shows.

import { until } from './installation.mjs';
import { PROJECT } from './sockshop.mjs';

/** A job that runs a command in a shell where `deployment` is triggered. It knows the secret `PASSWORD`. */
const config = (command) => `apiVersion: v2
actions:
  - name: Print
    events:
      - name: ^sh\\.keptn\\.event\\.deployment\\.triggered$
    tasks:
      - name: Print
        image: checks/shell:1
        cmd: [sh]
        args: [-c, ${JSON.stringify(command)}]
        env:
          - name: registry
            valueFrom: secret
`;

/**
 * Runs a command as the task of a service, in a project of the shipyard `ONE_TASK`; answers with the task's
 * `.triggered` event.
 */
export async function run(shop, service, command) {
  await shop.write(PROJECT, 'job/config.yaml', config(command), { stage: 'dev', service });
  const context = await shop.trigger({ project: PROJECT, stage: 'dev', sequence: 'delivery', service, image: `${service}:1` });
  // It may be over before anybody asks what is open.
  const find = async () => (await shop.events(PROJECT, 'deployment.triggered', context))[0];
  return until(`the task of ${context}`, find);
}
