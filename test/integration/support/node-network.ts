/**
 * A node as a Service proxy meets it: three pods on a bridge (10.1.0.2 to .4), a client outside (192.0.2.100) and a pod of
 * another node (10.1.9.2). IPv6 alike, under fd00:1::, 2001:db8:: and fd00:9::.
 */
import { createHost, type Host, ip } from './hosts.ts'

export interface NodeNetwork {
  readonly node: Host
  readonly pods: readonly [Host, Host, Host]
  readonly client: Host
  readonly away: Host
  close(): Promise<void>
}

export const nodeAddress = '192.0.2.1'
export const bridgeAddress = '10.1.0.1'

/** A veth pair from the node to a host. */
const link = async (node: Host, host: Host, port: string, lines: readonly string[]): Promise<void> => {
  await ip([`link add ${port} netns ${node.name} type veth peer name eth0 netns ${host.name}`])
  await ip([`link set ${port} up`], node.runner)
  await ip(['link set eth0 up', ...lines], host.runner)
}

const underlay = (number: number): readonly string[] => [
  `address add 192.0.2.${number}/24 dev eth0`,
  `address add 2001:db8::${number}/64 dev eth0 nodad`,
]

const bridge = (name: string, port: string): readonly string[] => [`link set ${port} master ${name}`]

export const createNodeNetwork = async (): Promise<NodeNetwork> => {
  const node = await createHost('node')
  const client = await createHost('client')
  const away = await createHost('away')
  const pods = [await createHost('pod2'), await createHost('pod3'), await createHost('pod4')] as const
  await ip(
    [
      ...['link add cni0 type bridge', 'link set cni0 up', 'link add eth0 type bridge', 'link set eth0 up'],
      ...[`address add ${bridgeAddress}/24 dev cni0`, 'address add fd00:1::1/64 dev cni0 nodad', ...underlay(1)],
    ],
    node.runner,
  )
  for (const key of [
    'ipv4.ip_forward',
    'ipv6.conf.all.forwarding',
    'bridge.bridge-nf-call-iptables',
    'bridge.bridge-nf-call-ip6tables',
  ])
    await node.runner.run('sysctl', ['-q', '-w', `net.${key}=1`])
  const throughNode = ['route add default via 192.0.2.1', 'route add ::/0 via 2001:db8::1']
  await link(node, client, 'client', [...underlay(100), ...throughNode])
  await link(node, away, 'away', [
    ...underlay(2),
    ...throughNode,
    'address add 10.1.9.2/32 dev lo',
    'address add fd00:9::2/128 dev lo nodad',
  ])
  await ip([...bridge('eth0', 'client'), ...bridge('eth0', 'away')], node.runner)
  // Cluster addresses must have some route: the kernel looks for one before it asks most rules.
  await ip(['route add default via 192.0.2.2', 'route add ::/0 via 2001:db8::2'], node.runner)
  for (const [at, pod] of pods.entries()) {
    const number = at + 2
    await link(node, pod, pod.name, [
      ...[`address add 10.1.0.${number}/24 dev eth0`, `address add fd00:1::${number}/64 dev eth0 nodad`],
      ...[`route add default via ${bridgeAddress}`, 'route add ::/0 via fd00:1::1'],
    ])
    await ip([...bridge('cni0', pod.name), `link set ${pod.name} type bridge_slave hairpin on`], node.runner)
  }
  const hosts = [...pods, away, client, node]
  return {
    ...{ node, pods, client, away },
    close: async () => {
      for (const host of hosts) await host.close()
    },
  }
}
