/** What container runtimes send, read as plugins in Go read it. */
import t, { type Test } from 'tap'
import { CniError, cniCodes } from '../../../../src/overlay/cni/error.ts'
import { type CniRequest, parseCniRequest, versionOf } from '../../../../src/overlay/cni/request.ts'

const attachment = { CNI_CONTAINERID: 'c1', CNI_IFNAME: 'eth0', CNI_NETNS: '/run/netns/c1' }

const parse = (config: object, more: Readonly<Record<string, string>> = {}): CniRequest =>
  parseCniRequest(
    new Map(Object.entries({ CNI_COMMAND: 'ADD', ...attachment, ...more })),
    JSON.stringify({ cniVersion: '1.0.0', name: 'podway', type: 'podway', ...config }),
  )

const refusal = (
  t: Test,
  config: object,
  more?: Readonly<Record<string, string>>,
): Pick<CniError, 'code' | 'message'> => {
  try {
    parse(config, more)
  } catch (error) {
    if (error instanceof CniError) return { code: error.code, message: error.message }
    throw error
  }
  t.fail('nothing was refused')
  return { code: 0, message: '' }
}

const port = { hostPort: 8080, containerPort: 80, hostIP: '127.0.0.1', protocol: 'TCP' }

t.test('capabilities as each runtime writes them', async (t) => {
  // containerd's library has no names for JSON: Go writes its fields as they are called.
  const containerd = parse({
    runtimeConfig: {
      portMappings: [{ HostPort: 8080, ContainerPort: 80, Protocol: 'tcp', HostIP: '127.0.0.1' }],
      bandwidth: { IngressRate: 8e6, IngressBurst: 4_294_967_295, EgressRate: 4e6, EgressBurst: 4_294_967_295 },
    },
  })
  t.same(containerd.ports, [port])
  t.same(containerd.bandwidth, { ingress: 8e6, egress: 4e6 })
  // CRI-O and Podman.
  const crio = parse({
    runtimeConfig: {
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'TCP', hostIP: '127.0.0.1' }],
      bandwidth: { ingressRate: 8e6, ingressBurst: 1, egressRate: 4e6, egressBurst: 1 },
    },
  })
  t.same([crio.ports, crio.bandwidth], [containerd.ports, containerd.bandwidth])
  const shouted = parse({ RUNTIMECONFIG: { IPS: ['10.244.1.7/24'], Mac: '02:00:00:00:00:0A' } })
  t.match(shouted, { addresses: ['10.244.1.7'], mac: '02:00:00:00:00:0a' })
  t.match(parse({ Args: { CNI: { Ips: ['10.244.1.8'] } } }), { addresses: ['10.244.1.8'] })
})

t.test('what wishes for nothing is nothing', async (t) => {
  const none = { ports: [], bandwidth: {}, addresses: [], mac: undefined }
  for (const runtimeConfig of [
    null,
    {},
    { portMappings: null, bandwidth: null, ips: null, mac: '' },
    { portMappings: [{ HostPort: 0, ContainerPort: 80, Protocol: 'tcp', HostIP: '' }] },
    { bandwidth: { IngressRate: 0, EgressRate: 0 }, dns: { Servers: null, Searches: [], Options: [] }, ipRanges: [] },
  ])
    t.match(parse({ runtimeConfig, ipam: {}, dns: {} }), none, JSON.stringify(runtimeConfig))
})

t.test('a wish that is not understood is refused, by its name and value', async (t) => {
  const { unsupportedField, decoding, badConfig, badEnvironment } = cniCodes
  for (const [config, code, says] of [
    [{ runtimeConfig: { dns: { Servers: ['192.0.2.1'] } } }, unsupportedField, /runtimeConfig\.dns: .*192\.0\.2\.1/],
    [{ runtimeConfig: { ipRanges: [[{ subnet: '10.1.0.0/24' }]] } }, unsupportedField, /runtimeConfig\.ipRanges/],
    [
      { runtimeConfig: { portMappings: [{ ...port, hostPortEnd: 8090 }] } },
      unsupportedField,
      /\[0\]\.hostPortEnd: 8090/,
    ],
    [{ runtimeConfig: { bandwidth: { shapedSubnets: ['10.0.0.0/8'] } } }, unsupportedField, /bandwidth\.shapedSubnets/],
    [{ mtu: 1_400 }, unsupportedField, /mtu: 1400/],
    [{ ipam: { type: 'host-local' } }, unsupportedField, /ipam: .*host-local/],
    [
      { runtimeConfig: { portMappings: [{ ...port, hostPort: '8080' }] } },
      decoding,
      /portMappings\[0\]\.hostPort: expected/,
    ],
    [{ runtimeConfig: { portMappings: { ...port } } }, decoding, /portMappings: expected a list/],
    [{ runtimeConfig: { portMappings: [{ ...port, hostPort: 65_536 }] } }, decoding, /hostPort/],
    [{ runtimeConfig: { bandwidth: { ingressRate: -1 } } }, decoding, /ingressRate/],
    [{ runtimeConfig: { portMappings: [{ ...port, protocol: 'icmp' }] } }, badConfig, /icmp/],
    [{ runtimeConfig: { portMappings: [{ ...port, containerPort: 0 }] } }, badConfig, /cannot forward/],
    [
      { runtimeConfig: { portMappings: [{ ...port, hostIP: 'localhost' }] } },
      badConfig,
      /"localhost" is no IP address/,
    ],
    [{ runtimeConfig: { bandwidth: { ingressRate: 8 } } }, badConfig, /rates/],
    [{ runtimeConfig: { mac: 'x' } }, badConfig, /MAC/],
    [{ cniVersion: 1 }, decoding, /cniVersion/],
  ] as const)
    t.match(refusal(t, config), { code, message: says }, JSON.stringify(config))
  const args = (text: string) => ({ CNI_ARGS: text })
  t.match(refusal(t, {}, args('GATEWAY=10.244.1.9')), { code: badEnvironment, message: /GATEWAY/ })
  t.match(parse({}, args('IgnoreUnknown=1;GATEWAY=10.244.1.9;IP=10.244.1.7')), { addresses: ['10.244.1.7'] })
  t.match(parse({}, args('K8S_POD_NAMESPACE=a;K8S_POD_NAME=b;K8S_POD_UID=c;K8S_POD_INFRA_CONTAINER_ID=d')).pod, {
    uid: 'c',
  })
  t.same(
    parse({ args: { cni: { labels: [{ key: 'app' }] }, other: 1 } }).addresses,
    [],
    'args are for whoever knows them',
  )
})

t.test('whatever was wished for can be taken back', async (t) => {
  const config = { runtimeConfig: { portMappings: 'all', dns: { Servers: ['192.0.2.1'] } }, mtu: 'much' }
  t.same(parse(config, { CNI_COMMAND: 'DEL', CNI_NETNS: '', CNI_ARGS: 'X=Y' }).ports, [])
})

t.test('CHECK and GC', async (t) => {
  const check = { CNI_COMMAND: 'CHECK' }
  t.same(parse({ PrevResult: { IPs: [{ Address: '10.244.1.7/32' }] } }, check).prevAddresses, ['10.244.1.7'])
  t.match(refusal(t, {}, check), { code: cniCodes.badConfig, message: /prevResult/ })
  const gc = { CNI_COMMAND: 'GC' }
  const version = { cniVersion: '1.1.0' }
  const valid = [{ ContainerID: 'c1', IfName: 'eth0' }]
  t.same(parse({ ...version, 'cni.dev/valid-attachments': valid }, gc).validAttachments, [
    { containerId: 'c1', ifname: 'eth0' },
  ])
  t.same(parse({ ...version, 'cni.dev/valid-attachments': [] }, gc).validAttachments, [])
  t.match(
    refusal(t, version, gc),
    { code: cniCodes.badConfig, message: /valid-attachments/ },
    'not all, because none is named',
  )
})

t.test('the version of an answer', async (t) => {
  t.equal(versionOf('{"CNIVersion":"0.4.0"}'), '0.4.0')
  t.equal(versionOf('{}'), '0.1.0')
  t.equal(versionOf('{'), '1.0.0')
})
