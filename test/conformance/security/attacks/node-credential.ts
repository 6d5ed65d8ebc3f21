/** What the credential of one node's agent opens. */
import { create, patch } from '../accounts.ts'
import type { Attack, AttackedLab, RawRequest } from '../attacked-lab.ts'

const node = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, ...more })

const event = (involved: object) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { generateName: 'evil-' },
  involvedObject: involved,
  reason: 'Evil',
  message: 'evil',
})

/** Requests that must be refused with 403, as node1. */
const forbidden: Readonly<Record<string, RawRequest>> = {
  'another Node': create('/api/v1/nodes', node('evil', { spec: { podCIDR: '10.244.1.0/24' } })),
  'another Node changed': patch('/api/v1/nodes/node2', { metadata: { labels: { evil: 'yes' } } }),
  'the status of another Node': patch('/api/v1/nodes/node2/status', { status: { nodeInfo: { machineID: 'evil' } } }),
  'another Node deleted': { method: 'DELETE', path: '/api/v1/nodes/node2' },
  'its own Node deleted': { method: 'DELETE', path: '/api/v1/nodes/node1' },
  'a role for itself': patch('/api/v1/nodes/node1', {
    metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } },
  }),
  'a restricted label for itself': patch('/api/v1/nodes/node1', {
    metadata: { labels: { 'node-restriction.kubernetes.io/trusted': 'yes' } },
  }),
  'another range for itself': patch('/api/v1/nodes/node1', {
    spec: { podCIDR: '10.244.0.0/16', podCIDRs: ['10.244.0.0/16'] },
  }),
  'fewer taints for itself': patch('/api/v1/nodes/node1', {
    spec: { taints: [{ key: 'evil', effect: 'NoSchedule' }] },
  }),
  'a Secret of kube-system': { path: '/api/v1/namespaces/kube-system/secrets/hidden' },
  'all Secrets': { path: '/api/v1/secrets' },
  'all Secrets of a namespace': { path: '/api/v1/namespaces/kube-system/secrets' },
  'all Secrets, watched': { path: '/api/v1/secrets?watch=true&timeoutSeconds=1' },
  'a ConfigMap that no pod uses': { path: '/api/v1/namespaces/kube-system/configmaps/hidden' },
  'a Secret written': create('/api/v1/namespaces/default/secrets', {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'evil' } },
  }),
  'the Lease of another': patch('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node2', {
    spec: { holderIdentity: 'evil' },
  }),
  'a pod on another node': create('/api/v1/namespaces/default/pods', {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'evil' } },
    spec: { nodeName: 'node2', containers: [{ name: 'main', image: 'podway/echo' }] },
  }),
  'a pod bound': create('/api/v1/namespaces/default/pods/evil/binding', {
    ...{ apiVersion: 'v1', kind: 'Binding', metadata: { name: 'evil' }, target: { kind: 'Node', name: 'node1' } },
  }),
  'a Deployment': create('/apis/apps/v1/namespaces/default/deployments', {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'evil' }, spec: {} },
  }),
  'a Service changed': patch('/api/v1/namespaces/default/services/web', { spec: { externalIPs: ['172.30.0.12'] } }),
  'an EndpointSlice': create('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'evil' } },
    ...{ addressType: 'IPv4', endpoints: [], ports: [] },
  }),
  'an Event about another node': create(
    '/api/v1/namespaces/default/events',
    event({ apiVersion: 'v1', kind: 'Node', name: 'node2' }),
  ),
}

interface Pods {
  readonly items: readonly { readonly metadata: { readonly name: string } }[]
}

const podOf = async ({ kubectlJson }: AttackedLab, name: string): Promise<string> => {
  const { items } = await kubectlJson<Pods>('get', 'pods', '-l', 'app=web', `--field-selector=spec.nodeName=${name}`)
  return items[0]?.metadata.name ?? ''
}

export const nodeAttacks: readonly Attack[] = [
  {
    name: 'beyond its own',
    run: async (t, lab) => {
      const secret = ['--from-literal=password=x']
      await lab.kubectl('create', 'secret', 'generic', 'hidden', '-n', 'kube-system', ...secret)
      await lab.kubectl('create', 'configmap', 'hidden', '-n', 'kube-system', ...secret)
      const node1 = await lab.nodeConnection('node1')
      for (const [name, request] of Object.entries(forbidden)) {
        const { status, text } = await lab.ask(node1, request)
        t.equal(status, 403, `${name}: ${text.slice(0, 160)}`)
      }
    },
  },
  {
    name: 'pods of another node',
    run: async (t, lab) => {
      const [theirs, own] = [await podOf(lab, 'node2'), await podOf(lab, 'node1')]
      const node1 = await lab.nodeConnection('node1')
      const path = (name: string) => `/api/v1/namespaces/default/pods/${name}`
      for (const request of [
        { path: `${path(theirs)}/log` },
        { method: 'DELETE', path: path(theirs) },
        patch(`${path(theirs)}/status`, { status: { podIP: '10.244.0.66', podIPs: [{ ip: '10.244.0.66' }] } }),
        create('/api/v1/namespaces/default/events', event({ kind: 'Pod', namespace: 'default', name: theirs })),
      ])
        t.equal((await lab.ask(node1, request)).status, 403, `${request.method ?? 'GET'} ${request.path}`)
      t.equal((await lab.ask(node1, { path: `${path(own)}/log` })).status, 200, 'its own log it may read')
    },
  },
  {
    name: 'nothing at the ports of agents without a credential',
    run: async (t, lab) => {
      const at = (path: string) =>
        lab
          .onHost('client', ...['curl', '-sk', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}'], path)
          .catch(() => 'closed')
      for (const path of ['/', '/pods', '/containerLogs/default/web/echo', '/metrics', '/exec'])
        t.match(await at(`https://172.30.0.11:10250${path}`), /^(401|403|closed|000)$/, path)
      t.match(await at('http://172.30.0.11:10249/metrics'), /closed|000/)
    },
  },
]
