/** What may not be deleted. */
import { until } from '../../../support/until.ts'
import type { Attack } from '../attacked-lab.ts'

const refused = (name: string, path: string, status: number, message: RegExp, body?: string): Attack => ({
  name,
  run: async (t, { admin, ask }) => {
    const answer = await ask(admin, { method: 'DELETE', path, ...(body === undefined ? {} : { body }) })
    t.equal(answer.status, status)
    t.match(answer.text, message)
  },
})

const notAllowed = /the server does not allow this method on the requested resource/

const options = (more: object): string => JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', ...more })

export const deletionAttacks: readonly Attack[] = [
  refused('all namespaces at once', '/api/v1/namespaces', 405, notAllowed),
  ...['default', 'kube-system', 'kube-public'].map((name) =>
    refused(`namespace ${name}`, `/api/v1/namespaces/${name}`, 403, /this namespace may not be deleted/),
  ),
  refused('pods of all namespaces', '/api/v1/pods', 405, notAllowed),
  refused('deployments of all namespaces', '/apis/apps/v1/deployments', 405, notAllowed),
  refused(
    'with a policy that there is not',
    '/api/v1/namespaces/default/configmaps/x?propagationPolicy=Bogus',
    422,
    /propagationPolicy/,
  ),
  refused(
    'with two policies',
    '/apis/apps/v1/namespaces/default/deployments/web',
    422,
    /propagationPolicy|orphanDependents/,
    options({ propagationPolicy: 'Foreground', orphanDependents: true }),
  ),
  refused(
    'of an object that is no longer the one',
    '/apis/apps/v1/namespaces/default/deployments/web',
    409,
    /UID in the precondition/,
    options({ preconditions: { uid: '00000000-0000-0000-0000-000000000000' } }),
  ),
  {
    name: 'the Service of the API comes back',
    run: async (t, { kubectl }) => {
      await kubectl('delete', 'service', 'kubernetes')
      const found = await until(
        () => kubectl('get', 'service', 'kubernetes', '-o', 'jsonpath={.spec.clusterIP}').catch(() => ''),
        'the Service kubernetes',
        20_000,
      )
      t.equal(found, '10.96.0.1')
    },
  },
]
