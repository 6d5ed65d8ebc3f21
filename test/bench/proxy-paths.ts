/**
 * What a packet pays for many Services, beside the layout of kube-proxy in the same run. Run inside scripts/universe.sh:
 *   sh scripts/universe.sh node test/bench/proxy-paths.ts [SERVICES=10000] [BACKEND…]
 */

import { parseCidr } from '../../src/host/netfilter/address.ts'
import { createNetfilter, type Netfilter, type NetfilterBackend } from '../../src/host/netfilter/netfilter.ts'
import { frameJumps } from '../../src/proxy/iptables/frame.ts'
import { cleanupProxy, createKernelRules } from '../../src/proxy/iptables/kernel.ts'
import { compileService, createWantedChains } from '../../src/proxy/iptables/wanted.ts'
import { type Host, peerPort } from '../integration/support/hosts.ts'
import { createNodeNetwork } from '../integration/support/node-network.ts'
import { makeService, makeSlice } from '../unit/proxy/support/objects.ts'
import { kubeProxyLayout, type PlainService, servicesChain } from './kube-proxy-layout.ts'

const [size = '10000', ...chosen] = process.argv.slice(2)
const backends: readonly NetfilterBackend[] = (['nft', 'legacy'] as const).filter(
  (backend) => chosen.length === 0 || chosen.includes(backend),
)

/**
 * Connects again and again with nothing but system calls, and prints the median time in microseconds. Connections are
 * broken off: ports that wait to be used again would make the search for a free one longer and longer.
 */
const connector = `
use Socket; use Time::HiRes 'time';
my ($to, $port, $count) = @ARGV; my @times;
for (1 .. $count) {
  socket(my $s, PF_INET, SOCK_STREAM, 0) or die; my $began = time;
  connect($s, sockaddr_in($port, inet_aton($to))) or die "connect: $!";
  push @times, time - $began; sysread($s, my $answer, 100);
  setsockopt($s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)); close $s;
}
@times = sort { $a <=> $b } @times; printf "%.1f", $times[@times / 2] * 1e6;`

const connectMicros = async (host: Host, to: string, port: number): Promise<number> =>
  Number(await host.runner.run('perl', ['-e', connector, to, String(port), '1500']))

/** Takes all that comes, and says at the end how much it was. */
const sink = `
require('node:net').createServer((socket) => {
  let bytes = 0
  socket.on('data', (chunk) => { bytes += chunk.length }).on('end', () => socket.end(String(bytes))).on('error', () => {})
}).listen(9000, () => console.log('ready'))`

const source = `
const socket = require('node:net').connect({ host: process.argv[1], port: Number(process.argv[2]), allowHalfOpen: true })
const block = Buffer.alloc(1 << 18)
const began = performance.now()
const pump = () => {
  while (performance.now() - began < 1500) if (!socket.write(block)) return socket.once('drain', pump)
  socket.end()
}
socket.on('connect', pump)
let text = ''
socket.on('data', (chunk) => { text += chunk }).on('end', () => {
  console.log(Number(text) / (performance.now() - began) / 1e6)
})`

/** Gigabytes a second. */
const throughput = async (host: Host, to: string, port: number): Promise<number> =>
  Number(await host.runner.run(process.execPath, ['-e', source, to, String(port)]))

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const services = (count: number): readonly PlainService[] =>
  Array.from({ length: count }, (_, at) => {
    const number = (at * 7919) % 65_536
    return { address: `10.96.${number >> 8}.${number & 255}`, endpoints: ['10.1.0.3', '10.1.0.4'] }
  })

const ours = async (netfilter: Netfilter, list: readonly PlainService[]): Promise<void> => {
  const parsed = (text: string) => [parseCidr(text, 'IPv4')].filter((range) => range !== undefined)
  const context = {
    ...({ family: 'IPv4', nodeName: 'here', zone: undefined, proxyName: undefined, nodeAddress: undefined } as const),
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
        commands: dispatch.slice(at, at + part).map((rule) => `-A ${servicesChain} ${rule}`),
      },
    ])
  await netfilter.apply([
    { table: 'nat', chains: [], commands: ['PREROUTING', 'OUTPUT'].map((chain) => `-A ${chain} -j ${servicesChain}`) },
  ])
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
    const our = await rounds(ours, 5)
    const their = await rounds(theirs, 2)

    const listening = Promise.withResolvers<void>()
    const stop = new AbortController()
    const serving = pod3.serve(sink, stop.signal, () => listening.resolve())
    await listening.promise
    await ours(netfilter, [{ address: '10.96.0.99', endpoints: ['10.1.0.3'], port: 9000 }])
    const ratios: number[] = []
    for (let n = 0; n < 5; n++) {
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
