// Programs of somebody's own that have registered, as Keptn's SDK has them do it.

const REGISTRATION = '/api/controlPlane/v1/uniform/registration';

/** One that says no more than it must, and one that says all. */
export async function fillIntegrations(shop) {
  const register = (name, more, subscriptions) =>
    shop.call('POST', REGISTRATION, {
      name,
      metadata: { hostname: 'node-1', kubernetesmetadata: { namespace: 'keptn' }, ...more },
      subscriptions,
    });
  await register('smoke-tester', {}, []);
  await register(
    'slack-service-with-a-name-that-is-long',
    { integrationversion: '2.11.0-next.3', distributorversion: '0.15.0', location: 'remote-execution-plane' },
    [
      { event: 'sh.keptn.event.*.finished', filter: { projects: ['sockshop'], stages: ['staging', 'production'], services: [] } },
      { event: 'sh.keptn.event.approval.triggered', filter: { projects: [], stages: [], services: [] } },
    ],
  );
}
