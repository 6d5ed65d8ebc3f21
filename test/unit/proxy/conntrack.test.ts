import t from 'tap'
import { CommandError, type CommandRunner } from '../../../src/host/command.ts'
import { createConnections } from '../../../src/host/conntrack/connections.ts'
import { type Flow, parseFlow, parseFlows } from '../../../src/host/conntrack/flows.ts'
import { opensNothing } from '../../../src/host/fake-command.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { compileLimits, defaultLimits } from '../../../src/proxy/conntrack/limits.ts'
import { type Situation, staleFlows, type UdpPort } from '../../../src/proxy/conntrack/stale.ts'
import { createUdpCleaner } from '../../../src/proxy/conntrack/udp-cleaner.ts'
import { until } from '../../support/until.ts'

const line = (to: string, from: string, flags = ''): string => {
  const [address, port] = to.split(' ')
  const [endpoint, endpointPort] = from.split(' ')
  return `udp      17 29 src=10.1.0.9 dst=${address} sport=4444 dport=${port} ${flags}src=${endpoint} dst=10.1.0.9 sport=${endpointPort} dport=4444 mark=0 use=1`
}
const flow = (to: string, from: string): Flow => {
  const found = parseFlow(line(to, from))
  if (!found) throw new Error('not a flow')
  return found
}

t.test('lines of conntrack', async (t) => {
  const text = [
    line('10.96.0.10 53', '10.1.0.2 5353', '[UNREPLIED] '),
    'udp      17 5 src=fd00::9 dst=fd00:96::a sport=1 dport=53 packets=1 bytes=60 src=fd00::2 dst=fd00::9 sport=53 dport=1 packets=1 bytes=60 [ASSURED] mark=0 use=1',
    'icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=1 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=1',
    '',
  ].join('\n')
  t.match(parseFlows(text), [
    { original: { destination: '10.96.0.10', destinationPort: 53 }, reply: { source: '10.1.0.2', sourcePort: 5353 } },
    { original: { destination: 'fd00:96::a' }, reply: { source: 'fd00::2', sourcePort: 53 } },
  ])
  t.equal(parseFlows(text).length, 2)
})

const dns: UdpPort = {
  addresses: ['10.96.0.10', '203.0.113.5'],
  port: 53,
  nodePort: 30_053,
  endpoints: new Set(['10.1.0.2 5353', '10.1.9.2 5353']),
}
const idle: UdpPort = { addresses: ['10.96.0.11'], port: 53, nodePort: undefined, endpoints: new Set() }
const relayed: UdpPort = {
  addresses: ['10.96.0.12'],
  port: 53,
  nodePort: undefined,
  endpoints: new Set(['relay 40000']),
}
const situation: Situation = {
  ports: [dns, idle, relayed],
  gone: new Set(['203.0.113.9 53', '* 30099']),
  isServiceAddress: (address) => address.startsWith('10.96.'),
  ownAddresses: new Set(['192.0.2.1']),
}

const cases: readonly (readonly [name: string, to: string, from: string, stale: boolean])[] = [
  ['an endpoint that serves', '10.96.0.10 53', '10.1.0.2 5353', false],
  ['one that is gone', '10.96.0.10 53', '10.1.0.3 5353', true],
  ['another port of one that serves', '10.96.0.10 53', '10.1.0.2 53', true],
  ['by an external address', '203.0.113.5 53', '10.1.0.3 5353', true],
  ['by a node port', '192.0.2.1 30053', '10.1.0.3 5353', true],
  ['by a node port, to one that serves', '192.0.2.1 30053', '10.1.9.2 5353', false],
  ['the same port of somebody else', '198.51.100.1 30053', '198.51.100.1 30053', false],
  ['the same port of somebody else, translated by others', '198.51.100.1 30053', '10.9.0.1 53', false],
  ['begun when nobody served', '10.96.0.10 53', '10.96.0.10 53', true],
  ['nobody serves yet', '10.96.0.11 53', '10.96.0.11 53', false],
  ['the last endpoint is gone', '10.96.0.11 53', '10.1.0.4 53', true],
  ['a Service that is gone, by its cluster address', '10.96.0.77 53', '10.1.0.4 53', true],
  ['a Service that is gone, by another address', '203.0.113.9 53', '10.1.0.4 53', true],
  ['a Service that is gone, by its node port', '192.0.2.1 30099', '10.1.0.4 53', true],
  ['through our own relay', '10.96.0.12 53', '192.0.2.1 40000', false],
  ['through a relay that an earlier agent had', '10.96.0.12 53', '192.0.2.1 40001', true],
  ['past our relay', '10.96.0.12 53', '10.1.0.2 53', true],
  ['traffic of others', '8.8.8.8 53', '8.8.8.8 53', false],
  ['traffic that others translate', '192.0.2.1 5353', '172.17.0.2 53', false],
]

for (const [name, to, from, stale] of cases)
  t.test(name, async (t) => t.equal(staleFlows([flow(to, from)], situation).length, stale ? 1 : 0))

t.test('the program: one call for all flows that went the same way', async (t) => {
  const calls: string[] = []
  const runner: CommandRunner = {
    open: opensNothing,
    run: async (file, args) => {
      calls.push([file, ...args].join(' '))
      if (args.includes('-L')) return line('10.96.0.10 53', '10.1.0.2 5353')
      if (args.includes('10.1.0.4'))
        throw new CommandError('conntrack', 1, 'conntrack v1.4.7: 0 flow entries have been deleted.')
      return `${line('10.96.0.10 53', '10.1.0.3 53')}\n${line('10.96.0.10 53', '10.1.0.3 53')}\n`
    },
  }
  const connections = createConnections(runner, 'IPv4')
  t.equal((await connections.list()).length, 1)
  const stale = [
    flow('10.96.0.10 53', '10.1.0.3 53'),
    flow('10.96.0.10 53', '10.1.0.3 53'),
    flow('10.96.0.10 53', '10.1.0.4 53'),
  ]
  t.equal(await connections.forget(stale), 2)
  t.same(calls, [
    'conntrack -L -f ipv4 -p udp',
    'conntrack -D -f ipv4 -p udp --orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.1.0.3 --reply-port-src 53',
    'conntrack -D -f ipv4 -p udp --orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.1.0.4 --reply-port-src 53',
  ])
})

t.test('looks when flows may be stale, after the rules are written, and not for what makes none', async (t) => {
  const forgotten: string[] = []
  let lists = 0
  let flows = [flow('10.96.0.10 53', '10.1.0.3 5353'), flow('10.96.0.10 53', '10.1.0.2 5353')]
  const cleaner = createUdpCleaner({
    connections: {
      list: async () => {
        lists++
        return flows
      },
      forget: async (stale) => {
        forgotten.push(...stale.map(({ reply }) => reply.source))
        flows = flows.filter((each) => !stale.includes(each))
        return stale.length
      },
    },
    ...{ isServiceAddress: () => false, ownAddresses: () => new Set<string>(), log: silentLogger },
  })
  const stop = new AbortController()
  cleaner.set('ns/dns', [dns])
  cleaner.written()
  const running = cleaner.run(stop.signal)
  await until(() => forgotten.length === 1, 'the flow of before the start')
  t.same(forgotten, ['10.1.0.3'], 'healthy ones stay, also at a start')

  const settled = lists
  cleaner.set('ns/dns', [{ ...dns, endpoints: new Set([...dns.endpoints, '10.1.0.7 5353']) }])
  cleaner.written()
  cleaner.set('ns/dns', [{ ...dns, endpoints: new Set(['10.1.9.2 5353']) }])
  t.equal(lists, settled, 'one more endpoint is no reason to look, and what is not written is not yet true')
  cleaner.written()
  await until(() => forgotten.length === 2, 'the endpoint that is gone')
  t.equal(forgotten[1], '10.1.0.2')

  flows = [flow('10.96.0.10 53', '10.1.9.2 5353')]
  cleaner.set('ns/dns', [])
  cleaner.written()
  await until(() => forgotten.length === 3, 'the Service that is gone')
  stop.abort()
  await running
})

t.test('what cannot be listed, or not be forgotten, is tried again with all that is gone', async (t) => {
  for (const failing of ['list', 'forget'] as const) {
    const forgotten: string[] = []
    const waits: (() => void)[] = []
    let failures = 0
    const failOnce = (verb: 'list' | 'forget'): void => {
      if (verb === failing && failures++ === 0) throw new Error('the kernel is busy')
    }
    const cleaner = createUdpCleaner({
      connections: {
        list: async () => {
          failOnce('list')
          return [flow('203.0.113.9 53', '10.1.0.4 53')].filter(() => forgotten.length === 0)
        },
        forget: async (stale) => {
          failOnce('forget')
          forgotten.push(...stale.map(({ reply }) => reply.source))
          return stale.length
        },
      },
      ...{ isServiceAddress: () => false, ownAddresses: () => new Set<string>(), log: silentLogger },
      clock: {
        now: () => 0,
        after: (_, act) => {
          waits.push(act)
          return () => undefined
        },
      },
    })
    cleaner.set('ns/dns', [{ ...dns, addresses: ['203.0.113.9'] }])
    cleaner.written()
    cleaner.set('ns/dns', [])
    cleaner.written()
    const stop = new AbortController()
    const running = cleaner.run(stop.signal)
    await until(() => {
      for (const act of waits.splice(0)) act()
      return forgotten.length > 0
    }, `the Service that is gone, after ${failing} failed`)
    t.same(forgotten, ['10.1.0.4'], failing)
    stop.abort()
    await running
  }
})

t.test('limits: by cores, at least the least, and nothing for zero', async (t) => {
  t.same(
    [...compileLimits(defaultLimits, 8)],
    [
      ['net.netfilter.nf_conntrack_max', 262_144],
      ['net.netfilter.nf_conntrack_tcp_timeout_established', 86_400],
      ['net.netfilter.nf_conntrack_tcp_timeout_close_wait', 3_600],
    ],
  )
  t.equal(compileLimits(defaultLimits, 1).get('net.netfilter.nf_conntrack_max'), 131_072)
  const none = { maxPerCore: 0, min: 5, tcpEstablishedSeconds: 0, tcpCloseWaitSeconds: 0 }
  t.same([...compileLimits(none, 8)], [])
})
