/** What a field of an object may be, and how it is refused: our reading of the API's validation. */
import t from 'tap'
import { createTestApi, type Json } from '../support/api-server.ts'

const core = (plural: string) => `/api/v1/namespaces/default/${plural}`
const pod = (spec: object, container: object = {}) => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec },
})
const service = (spec: object) => ({ metadata: { name: 's' }, spec: { ports: [{ port: 80 }], ...spec } })
const slice = (addressType: string, endpoint: object, ports: object[] = []) => ({
  ...{ metadata: { name: 's' }, addressType, endpoints: [endpoint], ports },
})
const node = (spec: object, status: object = {}) => ({ metadata: { name: 'n' }, spec, status })
const ip = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const cidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
const rule = '10.0.0.1/32 -j RETURN\nCOMMIT\n'

const cases: readonly (readonly [name: string, path: string, body: object, field: string, message: string])[] = [
  [
    'a rule for an address of the host',
    core('pods'),
    pod({}, { ports: [{ containerPort: 80, hostPort: 80, hostIP: rule }] }),
    'spec.containers[0].ports[0].hostIP',
    `Invalid value: ${JSON.stringify(rule)}: ${ip}`,
  ],
  [
    'leading zeros',
    core('pods'),
    pod({ hostAliases: [{ ip: '010.0.0.1', hostnames: ['a'] }] }),
    'spec.hostAliases[0].ip',
    `Invalid value: "010.0.0.1": ${ip}`,
  ],
  [
    'a name of a host with a blank',
    core('pods'),
    pod({ hostAliases: [{ ip: '10.0.0.1', hostnames: ['a b'] }] }),
    'spec.hostAliases[0].hostnames[0]',
    'a lowercase RFC 1123 subdomain',
  ],
  [
    'an option with a line of its own',
    core('pods'),
    pod({ dnsConfig: { options: [{ name: 'ndots', value: '2\nnameserver 192.0.2.1' }] } }),
    'spec.dnsConfig.options[0].value',
    'printable ASCII',
  ],
  [
    'four name servers',
    core('pods'),
    pod({ dnsConfig: { nameservers: ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'] } }),
    'spec.dnsConfig.nameservers',
    'must not have more than 3 nameservers',
  ],
  [
    'an address with a zone',
    core('pods'),
    pod({ dnsConfig: { nameservers: ['fe80::1%eth0'] } }),
    'spec.dnsConfig.nameservers[0]',
    ip,
  ],
  ['a way up', core('pods'), pod({ nodeName: '../n' }), 'spec.nodeName', 'a lowercase RFC 1123 subdomain'],
  [
    'a file above its volume',
    core('pods'),
    pod({ volumes: [{ name: 'v', configMap: { name: 'c', items: [{ key: 'k', path: '../../etc/passwd' }] } }] }),
    'spec.volumes[0].configMap.items[0].path',
    "must not contain '..'",
  ],
  [
    'a volume twice',
    core('pods'),
    pod({
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'v', emptyDir: {} },
      ],
    }),
    'spec.volumes[1].name',
    'Duplicate value: "v"',
  ],
  [
    'a port without a number',
    core('pods'),
    pod({}, { livenessProbe: { tcpSocket: {} } }),
    'spec.containers[0].livenessProbe.tcpSocket.port',
    'must be between 1 and 65535',
  ],
  [
    'a rule for an external address',
    core('services'),
    service({ externalIPs: ['203.0.113.7', rule] }),
    'spec.externalIPs[1]',
    ip,
  ],
  [
    'the loopback as an external address',
    core('services'),
    service({ externalIPs: ['127.0.0.1'] }),
    'spec.externalIPs[0]',
    'may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ],
  [
    'a range that is none',
    core('services'),
    service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/33'] }),
    'spec.loadBalancerSourceRanges[0]',
    cidr,
  ],
  [
    'ranges without a load balancer',
    core('services'),
    service({ loadBalancerSourceRanges: ['10.0.0.0/8'] }),
    'spec.loadBalancerSourceRanges',
    "Forbidden: may only be used when `type` is 'LoadBalancer'",
  ],
  [
    'an IPv4 address in an IPv6 one',
    core('services'),
    service({ loadBalancerIP: '::ffff:10.0.0.1' }),
    'spec.loadBalancerIP',
    'must not be an IPv4-mapped IPv6 address',
  ],
  [
    "endpoints on everybody else's loopback",
    core('endpoints'),
    { metadata: { name: 's' }, subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port: 80 }] }] },
    'subsets[0].addresses[0].ip',
    'may not be in the loopback range',
  ],
  [
    'an address of the other family',
    slices,
    slice('IPv4', { addresses: ['2001:db8::1'] }),
    'endpoints[0].addresses[0]',
    'must be a valid IPv4 address',
  ],
  [
    'metadata of a cloud',
    slices,
    slice('IPv4', { addresses: ['169.254.169.254'] }),
    'endpoints[0].addresses[0]',
    'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
  ],
  ['port 0', slices, slice('IPv4', { addresses: ['10.1.0.2'] }, [{ port: 0 }]), 'ports[0].port', 'between 1 and 65535'],
  [
    'a zone of two lines',
    slices,
    slice('IPv4', { addresses: ['10.1.0.2'], zone: 'a\nb' }),
    'endpoints[0].zone',
    'a valid label',
  ],
  ['a range for a node', '/api/v1/nodes', node({ podCIDR: '10.244.1.0/24\n' }), 'spec.podCIDR', cidr],
  [
    'two ranges of one family',
    '/api/v1/nodes',
    node({ podCIDRs: ['10.244.1.0/24', '10.244.2.0/24'] }),
    'spec.podCIDRs',
    'may specify no more than one CIDR for each IP family',
  ],
  [
    'a name for an address',
    '/api/v1/nodes',
    node({}, { addresses: [{ type: 'InternalIP', address: 'node1' }] }),
    'status.addresses[0].address',
    ip,
  ],
  [
    'a taint twice',
    '/api/v1/nodes',
    node({
      taints: [
        { key: 'a', effect: 'NoExecute' },
        { key: 'a', effect: 'NoExecute' },
      ],
    }),
    'metadata.taints[1]',
    'Duplicate value',
  ],
  [
    'two controllers',
    core('configmaps'),
    {
      metadata: {
        name: 'c',
        ownerReferences: ['a', 'b'].map((name) => ({
          ...{ apiVersion: 'v1', kind: 'Pod', name, uid: name },
          controller: true,
        })),
      },
    },
    'metadata.ownerReferences',
    'Only one reference can have Controller set to true. Found "true" in references for a and b',
  ],
  [
    'a name to be made up',
    core('configmaps'),
    { metadata: { generateName: 'A_' } },
    'metadata.generateName',
    'RFC 1123',
  ],
  [
    'annotations of more than they may be',
    core('configmaps'),
    { metadata: { name: 'c', annotations: { a: 'é'.repeat(140_000) } } },
    'metadata.annotations',
    'Too long: may not be more than 262144 bytes',
  ],
]

t.test("each is refused with its field and Kubernetes' words", async (t) => {
  const api = await createTestApi()
  for (const [name, path, body, field, message] of cases) {
    const reply = await api.request('POST', path, { body })
    t.equal(reply.code, 422, name)
    const causes = [...((reply.body['details']?.['causes'] ?? []) as unknown as Json[])]
    const found = causes
      .filter((cause) => (cause['field'] as unknown) === field)
      .map((cause) => String(cause['message']))
    t.equal(found.length, 1, `${name}: ${field} is named once`)
    t.ok(found[0]?.includes(message), `${name}: ${found[0]}`)
  }
})

t.test('what agents and controllers say in a status is held to its form, too', async (t) => {
  const api = await createTestApi()
  await api.request('POST', core('pods'), { body: pod({ nodeName: 'n' }) })
  await api.request('POST', core('services'), { body: service({}) })
  const patch = (path: string, status: object) =>
    api.request('PATCH', `${path}/status`, { body: { status }, contentType: 'application/merge-patch+json' })
  const podPath = `${core('pods')}/p`
  t.equal((await patch(podPath, { podIP: rule })).code, 422)
  t.equal((await patch(podPath, { podIPs: [{ ip: '10.1.0.2' }, { ip: '10.1.0.3' }] })).code, 422)
  t.equal((await patch(podPath, { podIP: '10.1.0.2', podIPs: [{ ip: '10.1.0.2' }, { ip: 'fd00::2' }] })).code, 200)
  const servicePath = `${core('services')}/s`
  t.equal((await patch(servicePath, { loadBalancer: { ingress: [{ hostname: '10.0.0.1' }] } })).code, 422)
  t.equal((await patch(servicePath, { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } })).code, 200)
  const binding = await api.request('POST', `${core('pods')}/p/binding`, { body: { target: { name: '../n' } } })
  t.equal(binding.code, 422)
})
