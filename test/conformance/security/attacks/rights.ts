/** How somebody with few rights might get more of them. */
import { accountWith, create, demand, patch } from '../accounts.ts'
import type { Attack, RawRequest } from '../attacked-lab.ts'

const rbac = '/apis/rbac.authorization.k8s.io/v1'
const roles = `${rbac}/namespaces/default/roles`
const bindings = `${rbac}/namespaces/default/rolebindings`

const ofKind = (kind: string, name: string, more: object): object => ({
  ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name } },
  ...more,
})

const everything = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]
const self = (name: string) => [{ kind: 'ServiceAccount', name, namespace: 'default' }]
const clusterRole = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name })

const pod = (more: object): object => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'evil' } },
  spec: { containers: [{ name: 'main', image: 'podway/echo' }], ...more },
})

const validating = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'evil' },
}

/** None may be granted to whoever is `admin` of one namespace. */
const beyondNamespaces: Readonly<Record<string, RawRequest>> = {
  'all rights in a Role': create(roles, ofKind('Role', 'evil', { rules: everything })),
  'nodes in a Role': create(
    roles,
    ofKind('Role', 'evil', { rules: [{ apiGroups: [''], resources: ['nodes/proxy'], verbs: ['get'] }] }),
  ),
  'more for itself': create(
    bindings,
    ofKind('RoleBinding', 'evil', { subjects: self('chief'), roleRef: clusterRole('cluster-admin') }),
  ),
  'all rights everywhere': create(
    `${rbac}/clusterrolebindings`,
    ofKind('ClusterRoleBinding', 'evil', { subjects: self('chief'), roleRef: clusterRole('cluster-admin') }),
  ),
  'a part of a role of everybody': create(
    `${rbac}/clusterroles`,
    ofKind('ClusterRole', 'evil', { rules: everything, aggregationRule: {} }),
  ),
  'a role of the system': patch(`${rbac}/clusterroles/admin`, { rules: everything }),
  'its own binding': patch(`${bindings}/chief`, { roleRef: clusterRole('cluster-admin') }),
  'its own quota': create('/api/v1/namespaces/default/resourcequotas', {
    ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'evil' }, spec: {} },
  }),
  'the labels of its namespace': patch('/api/v1/namespaces/default', {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
  }),
  'Secrets of another namespace': { path: '/api/v1/namespaces/kube-system/secrets' },
  'pods of another namespace': create('/api/v1/namespaces/kube-system/pods', pod({})),
  'a node as a door': { path: '/api/v1/nodes/node1/proxy/pods' },
  'the status of a pod': patch('/api/v1/namespaces/default/pods/client/status', { status: { podIP: '172.30.0.2' } }),
  'a binding of pods to nodes': create('/api/v1/namespaces/default/pods/client/binding', {
    ...{ apiVersion: 'v1', kind: 'Binding', metadata: { name: 'client' }, target: { kind: 'Node', name: 'node1' } },
  }),
  'a webhook': create('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', validating),
  'a kind': create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'evils.evil.io' } },
  }),
  'a server of a group': create('/apis/apiregistration.k8s.io/v1/apiservices', {
    ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.evil.io' } },
  }),
  'a priority': create('/apis/scheduling.k8s.io/v1/priorityclasses', {
    ...{ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'evil' }, value: 1 },
  }),
  'a certificate approved': {
    ...{ method: 'PUT', path: '/apis/certificates.k8s.io/v1/certificatesigningrequests/good/approval', body: '{}' },
  },
  metrics: { path: '/metrics' },
}

/** Nor these to whoever may only look. */
const beyondLooking: Readonly<Record<string, RawRequest>> = {
  Secrets: { path: '/api/v1/namespaces/default/secrets' },
  'Secrets, watched': { path: '/api/v1/namespaces/default/secrets?watch=true&timeoutSeconds=1' },
  'a pod': create('/api/v1/namespaces/default/pods', pod({})),
  'exec by POST': create('/api/v1/namespaces/default/pods/client/exec?command=id&stdout=true', {}),
  'exec by GET': { path: '/api/v1/namespaces/default/pods/client/exec?command=id&stdout=true' },
  attach: { path: '/api/v1/namespaces/default/pods/client/attach?stdout=true' },
  'forwarded ports': { path: '/api/v1/namespaces/default/pods/client/portforward?ports=80' },
  'a pod by proxy': { path: '/api/v1/namespaces/default/pods/client/proxy/' },
  'a Service by proxy': { path: '/api/v1/namespaces/default/services/web/proxy/' },
  'a token': create('/api/v1/namespaces/default/serviceaccounts/default/token', { spec: {} }),
  'an eviction': create('/api/v1/namespaces/default/pods/client/eviction', {
    ...{ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'client' } },
  }),
  'all pods deleted': { method: 'DELETE', path: '/api/v1/namespaces/default/pods' },
  'a scale': patch('/apis/apps/v1/namespaces/default/deployments/web/scale', { spec: { replicas: 0 } }),
  'an object by server-side apply': {
    ...{ method: 'PATCH', path: '/api/v1/namespaces/default/configmaps/evil?fieldManager=evil' },
    ...{ type: 'application/apply-patch+yaml', body: '{"apiVersion":"v1","kind":"ConfigMap"}' },
  },
  'a Role': create(roles, ofKind('Role', 'evil', { rules: [] })),
}

export const rightsAttacks: readonly Attack[] = [
  {
    name: 'the administrator of a namespace',
    run: async (t, lab) => {
      const chief = await accountWith(lab, 'chief', 'admin')
      t.equal((await lab.ask(chief, { path: '/api/v1/namespaces/default/secrets' })).status, 200, 'its own it reads')
      for (const [what, request] of Object.entries(beyondNamespaces)) {
        const { status, text } = await lab.ask(chief, request)
        t.equal(status, 403, `${what}: ${text.slice(0, 200)}`)
      }
    },
  },
  {
    name: 'somebody who may look',
    run: async (t, lab) => {
      const viewer = await accountWith(lab, 'viewer', 'view')
      t.equal((await lab.ask(viewer, { path: '/api/v1/namespaces/default/pods' })).status, 200, 'it may look')
      for (const [what, request] of Object.entries(beyondLooking)) {
        const { status, text } = await lab.ask(viewer, request)
        t.equal(status, 403, `${what}: ${text.slice(0, 200)}`)
      }
    },
  },
  {
    name: 'a quota, by many at once',
    run: async (t, lab) => {
      await demand(
        lab,
        create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tight' } }),
      )
      await demand(
        lab,
        create('/api/v1/namespaces/tight/resourcequotas', {
          ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few' } },
          spec: { hard: { 'count/configmaps': '5' } },
        }),
      )
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, at) =>
          lab.ask(
            lab.admin,
            create('/api/v1/namespaces/tight/configmaps', {
              ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `m${at}` } },
            }),
          ),
        ),
      )
      const { items } = JSON.parse((await demand(lab, { path: '/api/v1/namespaces/tight/configmaps' })).text)
      t.ok(items.length <= 5, `${items.length} objects where five may be`)
      t.same(
        answers.map(({ status }) => status).filter((status) => ![201, 403].includes(status)),
        [],
        'each is taken or refused',
      )
      await demand(lab, { method: 'DELETE', path: '/api/v1/namespaces/tight' })
    },
  },
]
