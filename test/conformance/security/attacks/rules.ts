/** Text of objects that would be rules, records or headers. */
import { until } from '../../../support/until.ts'
import type { Attack, AttackedLab } from '../attacked-lab.ts'

const ending =
  '-j RETURN\nCOMMIT\n*filter\n-I INPUT 1 -s 203.0.113.7/32 -j ACCEPT\nCOMMIT\n*nat\n-A PODWAY-HOSTPORT -d 10.0.0.1'
/** What no field takes. */
const texts = [`10.0.0.1/32 ${ending}`, `10.0.0.1\n${ending}`, '10.0.0.1" -j ACCEPT', '10.0.0.1 -j ACCEPT', '::1%eth0']
/** What no address may be, though a name may. */
const octal = '010.0.0.1'

const podsPath = '/api/v1/namespaces/default/pods'
const pod = (name: string, more: object, port: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: 'podway/echo', ports: [{ containerPort: 8080, hostPort: 9_998, ...port }] }],
    ...more,
  },
})
const service = (name: string, spec: object) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ port: 80 }], selector: { app: 'web' }, ...spec },
})

/** Objects with the text in each of the fields that rules are made of. */
const objectsWith = (evil: string): readonly (readonly [path: string, object: object])[] => [
  [podsPath, pod('evil', {}, { hostIP: evil })],
  [podsPath, pod('evil', {}, { protocol: evil })],
  [podsPath, pod('evil', {}, { name: evil })],
  [podsPath, pod('evil', { hostAliases: [{ ip: evil, hostnames: ['x'] }] })],
  [podsPath, pod('evil', { dnsConfig: { nameservers: [evil] } })],
  ['/api/v1/namespaces/default/services', service('evil', { clusterIP: evil })],
  ['/api/v1/namespaces/default/services', service('evil', { externalIPs: [evil] })],
  ['/api/v1/namespaces/default/services', service('evil', { type: 'LoadBalancer', loadBalancerIP: evil })],
  ['/api/v1/namespaces/default/services', service('evil', { type: 'LoadBalancer', loadBalancerSourceRanges: [evil] })],
  ['/api/v1/namespaces/default/services', service('evil', { ports: [{ port: 80, protocol: evil }] })],
  ['/api/v1/namespaces/default/services', service('evil', { ports: [{ port: 80, name: evil }] })],
  ['/api/v1/namespaces/default/services', service('evil', { type: 'ExternalName', externalName: evil })],
  [
    '/api/v1/namespaces/default/endpoints',
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'evil' },
      subsets: [{ addresses: [{ ip: evil }], ports: [{ port: 80 }] }],
    },
  ],
  [
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'evil', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [evil] }],
      ports: [{ port: 80 }],
    },
  ],
  [
    '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'evil' },
      spec: { podSelector: { matchLabels: { app: 'nobody' } }, ingress: [{ from: [{ ipBlock: { cidr: evil } }] }] },
    },
  ],
  [
    '/api/v1/nodes',
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'evil' }, spec: { podCIDR: evil, podCIDRs: [evil] } },
  ],
]

/** Nothing outside of our chains may change, and the mark of the attack may stand nowhere. */
const foreignRules = async ({ rulesOf }: AttackedLab): Promise<string> => {
  const all = await Promise.all(['node1', 'node2'].map(rulesOf))
  return all
    .join('\n')
    .split('\n')
    .filter((line) => /203\.0\.113\.7|^-A (INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING) /.test(line))
    .join('\n')
}

export const ruleAttacks: readonly Attack[] = [
  {
    name: 'addresses, protocols and names that are text of rules are refused',
    run: async (t, lab) => {
      const before = await foreignRules(lab)
      for (const evil of [...texts, octal])
        for (const [path, object] of objectsWith(evil)) {
          if (evil === octal && JSON.stringify(object).includes('ExternalName')) continue
          const { status, text } = await lab.ask(lab.admin, { method: 'POST', path, body: JSON.stringify(object) })
          t.equal(status, 422, `${path} ${JSON.stringify(evil).slice(0, 24)}: ${text.slice(0, 200)}`)
        }
      t.equal(await foreignRules(lab), before, 'no rule of a node changed')
    },
  },
  {
    name: 'what an agent says of its own node and pods is no rule of another node',
    run: async (t, lab) => {
      const before = await foreignRules(lab)
      const node1 = await lab.nodeConnection('node1')
      const merge = 'application/merge-patch+json'
      for (const evil of texts) {
        const annotations = {
          'flannel.alpha.coreos.com/public-ip': evil,
          'flannel.alpha.coreos.com/backend-data': JSON.stringify({ VNI: 1, VtepMAC: evil }),
          'flannel.alpha.coreos.com/backend-type': evil,
        }
        await lab.ask(node1, {
          ...{ method: 'PATCH', path: '/api/v1/nodes/node1', type: merge },
          body: JSON.stringify({ metadata: { annotations } }),
        })
        for (const status of [{ addresses: [{ type: 'InternalIP', address: evil }] }, { podCIDR: evil }])
          await lab.ask(node1, {
            ...{ method: 'PATCH', path: '/api/v1/nodes/node1/status', type: merge, body: JSON.stringify({ status }) },
          })
      }
      t.equal(await foreignRules(lab), before, 'no rule of a node changed')
      const { text } = await lab.ask(lab.admin, { path: '/api/v1/nodes/node1' })
      t.ok(JSON.parse(text).status.addresses.every(({ address }: { address: string }) => !/\s/.test(address)))
    },
  },
  {
    name: 'a host port for an address of the other family stops no other',
    run: async (t, { apply, kubectl, fetchFrom }) => {
      await apply(
        { ...pod('other-family', { nodeName: 'node1' }, { hostIP: '::', hostPort: 9_997 }) },
        { ...pod('this-family', { nodeName: 'node1' }, { hostPort: 9_996 }) },
      )
      await kubectl('wait', '--for=condition=Ready', 'pod/this-family', 'pod/other-family', '--timeout=30s')
      t.equal((await fetchFrom('client', 'http://172.30.0.11:9996/', 2)).length, 2)
      await kubectl('delete', 'pod', 'other-family', 'this-family', '--timeout=30s')
    },
  },
  {
    name: 'a Service that takes ports of the nodes themselves',
    run: async (t, lab) => {
      const { apply, kubectl, kubectlJson } = lab
      await apply(
        service('takes-agent', { type: 'LoadBalancer', ports: [{ port: 10_250, targetPort: 8080 }] }),
        service('takes-ingress', { type: 'LoadBalancer', ports: [{ port: 80, targetPort: 8080 }] }),
        service('takes-external', { externalIPs: ['172.30.0.11'], ports: [{ port: 10_250, targetPort: 8080 }] }),
      )
      for (const name of ['takes-agent', 'takes-ingress'])
        await until(
          async () => /PortTaken/.test(await kubectl('get', 'events', `--field-selector=involvedObject.name=${name}`)),
          `the Event of ${name}`,
        )
      const { items } = await kubectlJson<{ items: readonly { metadata: { name: string } }[] }>(
        ...['get', 'pods', '-l', 'app=web', '--field-selector=spec.nodeName=node1'],
      )
      t.match(await kubectl('logs', items[0]?.metadata.name ?? ''), /echo listens/, 'logs are read from the agent')
      t.notMatch(await lab.rulesOf('node1'), /-d 172\.30\.0\.11\/32 .*--dport (10250|80) /)
      await kubectl('delete', 'services', 'takes-agent', 'takes-ingress', 'takes-external')
    },
  },
  {
    name: 'a rule that somebody adds to a chain of ours',
    run: async (t, { onHost, rulesOf }) => {
      const evil = ['-p', 'tcp', '--dport', '7099', '-j', 'DNAT', '--to-destination', '172.30.0.100:80']
      for (const chain of ['PODWAY-HOSTPORT', 'PODWAY-FOREIGN'])
        await onHost('node1', ...['iptables-nft', '-t', 'nat', '-A', chain], ...evil)
      t.ok(
        await until(async () => !(await rulesOf('node1')).includes('7099'), 'the rules to go', 30_000),
        'they are gone',
      )
    },
  },
]
