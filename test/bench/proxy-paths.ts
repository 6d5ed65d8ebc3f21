/**
 * What a packet pays for many Services, beside the layout of kube-proxy in the same run. Run inside scripts/universe.sh:
 *   sh scripts/universe.sh node test/bench/proxy-paths.ts [SERVICES=10000] [BACKEND…]
 */

import { createCommandRunner } from '../../src/host/command.ts'
import { createNetfilter, type Netfilter, type NetfilterBackend } from '../../src/host/netfilter/netfilter.ts'
import { chainName, rule } from '../../src/host/netfilter/rule.ts'
import { parseMaskedCidr } from '../../src/ip/cidr.ts'
import { frameJumps } from '../../src/proxy/iptables/frame.ts'
import { cleanupProxy, createKernelRules } from '../../src/proxy/iptables/kernel.ts'
import { nothingReserved } from '../../src/proxy/iptables/reserved.ts'
import { compileService, createWantedChains } from '../../src/proxy/iptables/wanted.ts'
import { peerPort } from '../integration/support/hosts.ts'
import { createNodeNetwork } from '../integration/support/node-network.ts'
import { makeService, makeSlice } from '../unit/proxy/support/objects.ts'
import { kubeProxyLayout, type PlainService, servicesChain } from './kube-proxy-layout.ts'
import { sized } from './support/size.ts'
import { connectMicros, median, pinServer, sink, throughput } from './support/tcp.ts'

const [size = String(sized(10_000, 20)), ...chosen] = process.argv.slice(2)
const backends: readonly NetfilterBackend[] = (['nft', 'legacy'] as const).filter(
  (backend) => chosen.length === 0 || chosen.includes(backend),
)

const services = (count: number): readonly PlainService[] =>
  Array.from({ length: count }, (_, at) => {
    const number = (at * 7919) % 65_536
    return { address: `10.96.${number >> 8}.${number & 255}`, endpoints: ['10.1.0.3', '10.1.0.4'] }
  })

const ours = async (netfilter: Netfilter, list: readonly PlainService[]): Promise<void> => {
  const parsed = (text: string) => [parseMaskedCidr(text, 'IPv4')].filter((range) => range !== undefined)
  const context = {
    ...({
      family: 'IPv4',
      nodeName: 'here',
      zone: undefined,
      proxyName: undefined,
      reserved: nothingReserved,
      nodeAddress: undefined,
    } as const),
    ...{
      relayed: false,
      podRanges: parsed('10.1.0.0/24'),
      serviceRanges: parsed('10.96.0.0/16'),
      masqueradeMark: 0x4000,
      masqueradeAll: false,
    },
    ...{ nodePortRanges: undefined, localhostNodePorts: false, dropInvalid: true },
  }
  const wanted = createWantedChains(context)
  list.forEach(({ address, endpoints, port = peerPort }, at) => {
    const drafts = endpoints.map((endpoint) => ({ address: endpoint, node: 'here' }))
    const service = makeService({ name: `web-${at}`, clusterIP: address })
    wanted.replace(
      `web-${at}`,
      compileService(service, [makeSlice(drafts, { service: `web-${at}`, ports: [{ name: 'http', port }] })], context),
    )
  })
  await createKernelRules(netfilter, frameJumps(context)).repair(wanted.all())
}

const toServices = (from: string) => ({ verb: '-A', chain: chainName(from), rule: rule`-j ${servicesChain}` }) as const

const theirs = async (netfilter: Netfilter, list: readonly PlainService[]): Promise<void> => {
  const { chains, dispatch } = kubeProxyLayout(list)
  // The nft store takes many small changes better than a large one.
  const part = netfilter.backend === 'nft' ? 500 : 100_000
  for (let at = 0; at < chains.length; at += part)
    await netfilter.apply([{ table: 'nat', chains: chains.slice(at, at + part) }])
  await netfilter.apply([{ table: 'nat', chains: [{ name: servicesChain, rules: [] }] }])
  for (let at = 0; at < dispatch.length; at += part)
    await netfilter.apply([
      {
        table: 'nat',
        chains: [],
        commands: dispatch.slice(at, at + part).map((rule) => ({ verb: '-A' as const, chain: servicesChain, rule })),
      },
    ])
  await netfilter.apply([{ table: 'nat', chains: [], commands: ['PREROUTING', 'OUTPUT'].map(toServices) }])
}

const round = (value: number): number => Math.round(value * 100) / 100

const measure = async (backend: NetfilterBackend): Promise<Readonly<Record<string, unknown>>> => {
  const network = await createNodeNetwork()
  try {
    const { runner } = network.node
    const [pod2, pod3] = network.pods
    const netfilter = createNetfilter(runner, 'IPv4', backend)
    const many = services(Number(size))
    const last = many.at(-1)?.address ?? ''
    const one = many.slice(-1)
    const flush = async (): Promise<void> => {
      await cleanupProxy(netfilter)
      await runner.run(`iptables-${backend}`, ['-t', 'nat', '-F'])
      await runner.run(`iptables-${backend}`, ['-t', 'nat', '-X'])
    }
    const cluster = () => connectMicros(pod2, last, 80)
    const direct = () => connectMicros(pod2, '10.1.0.3', peerPort)
    for (const name of ['pod3', 'pod4']) await pinServer(createCommandRunner(), name)
    const bare = await direct()
    /** In turn, again and again: whatever else the machine does meets all of them. */
    const rounds = async (write: typeof ours, count: number) => {
      const seen = { none: [] as number[], one: [] as number[], many: [] as number[], beside: [] as number[] }
      for (let n = 0; n < count; n++) {
        await write(netfilter, [])
        seen.none.push(await direct())
        await flush()
        await write(netfilter, one)
        seen.one.push(await cluster())
        await flush()
        await write(netfilter, many)
        seen.many.push(await cluster())
        seen.beside.push(await direct())
        await flush()
      }
      return Object.fromEntries(Object.entries(seen).map(([name, values]) => [name, median(values)])) as Record<
        keyof typeof seen,
        number
      >
    }
    const our = await rounds(ours, sized(5, 1))
    const their = await rounds(theirs, sized(2, 1))

    const listening = Promise.withResolvers<void>()
    const stop = new AbortController()
    const serving = pod3.serve(sink, stop.signal, () => listening.resolve())
    await listening.promise
    await ours(netfilter, [{ address: '10.96.0.99', endpoints: ['10.1.0.3'], port: 9000 }])
    const ratios: number[] = []
    for (let n = 0; n < sized(5, 1); n++) {
      const straight = await throughput(pod2, '10.1.0.3', 9000)
      ratios.push((await throughput(pod2, '10.96.0.99', 80)) / straight)
    }
    stop.abort()
    await serving
    await flush()
    return {
      ...{ backend, services: Number(size) },
      'connect p50, µs': {
        'direct, no rules at all': bare,
        ...{ 'direct, no Services': our.none, 'direct, beside many': our.beside },
        ...{ 'one Service': our.one, 'the last of many': our.many },
        "kube-proxy's layout, one": their.one,
        "kube-proxy's layout, the last of many": their.many,
        "kube-proxy's layout, direct beside many": their.beside,
      },
      'last of many / one': round(our.many / our.one),
      "last of many / one, kube-proxy's layout": round(their.many / their.one),
      'direct with many / with none': round(our.beside / our.none),
      "direct with many / with none, kube-proxy's layout": round(their.beside / their.none),
      'throughput through a cluster address / direct': round(median(ratios)),
    }
  } finally {
    await network.close()
  }
}

for (const backend of backends) console.log(JSON.stringify(await measure(backend), undefined, 2))
