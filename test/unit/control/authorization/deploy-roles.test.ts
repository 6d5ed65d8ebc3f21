/** The roles that the project ships for clusters of others hold in its own, too: all that they say, and nothing else. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import type { ClusterRole } from '../../../../src/api/types/kubernetes/rbac-v1.ts'
import { servedDefinitions } from '../../../../src/control/registry/registry.ts'
import { apiVersionOf } from '../../../../src/control/resources/definition.ts'
import { createTestApi } from '../../../support/api-server.ts'

const folder = join(import.meta.dirname, '../../../../deploy/rbac')

for (const file of readdirSync(folder))
  t.test(file, async (t) => {
    const api = await createTestApi()
    const all = parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((each) => each.toJS() as KubeObject)
    const namespaces = new Set(all.flatMap(({ metadata }) => metadata.namespace ?? []))
    for (const name of namespaces) await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name } } })
    for (const object of all) {
      const { apiVersion, kind, metadata } = object
      const row = servedDefinitions.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion)
      const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
      const inside = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`
      const { code } = await api.request('POST', `${root}${inside}/${row?.plural}`, { body: object })
      t.ok([201, 409].includes(code), `${kind} ${metadata.name}: ${code}`)
    }
    const account = all.find(({ kind }) => kind === 'ServiceAccount')?.metadata
    const user = `system:serviceaccount:${account?.namespace}:${account?.name}`
    const may = async (resourceAttributes: object) => {
      const spec = { user, resourceAttributes }
      const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
      return (await api.request('POST', path, { body: { spec } })).body['status']?.['allowed']
    }
    const roles = all.filter(({ kind }) => kind === 'ClusterRole') as unknown as readonly ClusterRole[]
    t.ok(roles.length > 0)
    for (const { verbs, apiGroups = [], resources = [], resourceNames = [''] } of roles.flatMap(({ rules }) => rules))
      for (const verb of verbs)
        for (const group of apiGroups)
          for (const whole of resources)
            for (const name of resourceNames) {
              const [resource, subresource = ''] = whole.split('/')
              t.equal(
                await may({ verb, group, resource, subresource, name }),
                true,
                `${verb} ${group}/${whole} ${name}`,
              )
            }
    t.equal(await may({ verb: 'delete', group: '', resource: 'nodes' }), false)
    t.equal(await may({ verb: 'create', group: '', resource: 'pods', namespace: 'kube-system' }), false)
  })
