/** Which request is written, and how much of it. */
import t from 'tap'
import { decide, parsePolicy } from '../../../../src/control/audit/policy.ts'
import type { Access } from '../../../../src/control/auth/authorizer.ts'

const policy = (rules: string, more = '') =>
  parsePolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\n${more}rules:\n${rules}`)
const resource = (verb: string, plural: string, more: object = {}): Access => ({
  ...{ kind: 'resource', verb, group: '', version: 'v1', plural },
  ...{ subresource: undefined, namespace: 'a', name: undefined },
  ...more,
})
const alice = { name: 'alice', groups: ['dev'] }

t.test('the first rule that matches counts', (t) => {
  const rules = policy(
    `
  - {level: None, users: [system:probe], nonResourceURLs: ['/healthz*']}
  - {level: RequestResponse, userGroups: [dev], verbs: [delete], resources: [{group: '', resources: [pods]}]}
  - {level: Request, resources: [{group: '', resources: [secrets], resourceNames: [s]}]}
  - {level: Request, resources: [{group: '', resources: ['*/scale', 'pods/*']}], omitStages: [ResponseStarted]}
  - {level: None, namespaces: [kube-system]}
  - {level: Request, resources: [{group: apps}], omitManagedFields: true}
  - {level: Metadata}
`,
    'omitStages: [RequestReceived]\n',
  )
  const level = (access: Access, user = alice) => decide(rules, user, access).level
  t.equal(level({ kind: 'path', verb: 'get', path: '/healthz/etcd' }, { name: 'system:probe', groups: [] }), 'None')
  t.equal(level({ kind: 'path', verb: 'get', path: '/healthz' }), 'Metadata')
  t.equal(level(resource('delete', 'pods')), 'RequestResponse')
  t.equal(level(resource('delete', 'pods'), { name: 'bob', groups: [] }), 'Request', 'pods/* are pods, too')
  t.equal(level(resource('get', 'secrets', { name: 's' })), 'Request')
  t.equal(level(resource('get', 'secrets', { name: 't' })), 'Metadata')
  t.equal(level(resource('get', 'deployments', { group: 'x', subresource: 'scale' })), 'Metadata', 'of another group')
  t.equal(level(resource('get', 'replicationcontrollers', { subresource: 'scale' })), 'Request')
  t.equal(level(resource('create', 'pods', { subresource: 'exec' })), 'Request')
  t.equal(level(resource('get', 'configmaps', { namespace: 'kube-system' })), 'None')
  t.match(decide(rules, undefined, resource('list', 'deployments', { group: 'apps' })), {
    level: 'Request',
    omitManagedFields: true,
  })
  t.same(decide(rules, alice, resource('create', 'pods', { subresource: 'exec' })).omitStages, [
    'RequestReceived',
    'ResponseStarted',
  ])
  t.equal(
    decide(policy('  - {level: Metadata, verbs: [get]}'), alice, resource('list', 'pods')).level,
    'None',
    'else nothing',
  )
  t.end()
})

t.test('policies that are none', (t) => {
  for (const [rules, why] of Object.entries({
    '  - {}': /rules\[0\]\.level: is not one of None, Metadata/,
    '  - {level: All}': /rules\[0\]\.level/,
    '  - {level: Metadata, user: [a]}': /rules\[0\]: unknown field "user"/,
    '  - {level: Metadata, users: a}': /rules\[0\]\.users: is no list of strings/,
    '  - {level: Metadata, omitStages: [Never]}': /"Never" is not one of RequestReceived/,
    '  - {level: Metadata, nonResourceURLs: [a]}': /no path that may end with a star/,
    "  - {level: Metadata, nonResourceURLs: ['/a*b']}": /no path that may end with a star/,
    '  - {level: Metadata, nonResourceURLs: [/a], namespaces: [b]}': /cannot apply to both/,
    "  - {level: Metadata, resources: [{group: '', resourceNames: [a]}]}": /requires at least one resource/,
    '  []': /it has no rules/,
  }))
    t.throws(() => policy(rules), { message: why }, rules)
  t.throws(() => parsePolicy('kind: Policy'), /it is no Policy of audit\.k8s\.io\/v1/)
  t.throws(() => parsePolicy('{'))
  t.end()
})
