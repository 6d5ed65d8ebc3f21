/** Where packets land, for every kind of door, policy, state of the endpoints, source and IP family. */

import t from 'tap'
import { type TracedTables, tracePacket } from '../../../../src/host/netfilter/trace.ts'
import type { IpFamily } from '../../../../src/ip/address.ts'
import { parseMaskedCidr } from '../../../../src/ip/cidr.ts'
import { type EndpointDraft, makeService, makeSlice } from '../support/objects.ts'
import { loadRules, makeContext, type Objects, serviceRanges, tracedTables } from '../support/rules.ts'

const families = ['IPv4', 'IPv6'] as const
const doors = ['clusterIP', 'nodePort', 'externalIP', 'loadBalancer'] as const
const policies = ['Cluster', 'Local'] as const
const sources = ['podHere', 'podAway', 'node', 'outside'] as const
type Door = (typeof doors)[number]
type Policy = (typeof policies)[number]
type Source = (typeof sources)[number]

const addresses = {
  IPv4: {
    ...{ clusterIP: '10.96.0.10', nodePort: '192.0.2.1', externalIP: '203.0.113.5', loadBalancer: '203.0.113.6' },
    ...{ podHere: '10.1.0.7', podAway: '10.1.9.7', node: '192.0.2.1', outside: '198.51.100.1' },
    ...{ here: '10.1.0.2', away: '10.1.9.2' },
  },
  IPv6: {
    ...{ clusterIP: 'fd00:96::10', nodePort: 'fd00::1', externalIP: '2001:db8::5', loadBalancer: '2001:db8::6' },
    ...{ podHere: 'fd00:1::7', podAway: 'fd00:9::7', node: 'fd00::1', outside: '2001:db8:1::1' },
    ...{ here: 'fd00:1::2', away: 'fd00:9::2' },
  },
} as const

const ready = { ready: true, serving: true, terminating: false }
const leaving = { ready: false, serving: true, terminating: true }
const broken = { ready: false, serving: false, terminating: false }

type Conditions = typeof ready
interface State {
  readonly here?: Conditions
  readonly away?: Conditions
}

const states = {
  'no endpoint': {},
  'one here': { here: ready },
  'one elsewhere': { away: ready },
  'one here, one elsewhere': { here: ready, away: ready },
  'leaving here, ready elsewhere': { here: leaving, away: ready },
  'ready here, leaving elsewhere': { here: ready, away: leaving },
  'leaving here and elsewhere': { here: leaving, away: leaving },
  'broken here, ready elsewhere': { here: broken, away: ready },
  'broken here and elsewhere': { here: broken, away: broken },
} as const satisfies Record<string, State>
type StateName = keyof typeof states

/** Refused, dropped, or the endpoints that get the connection; `*` where they see the node instead of the client. */
type End = 'refused' | 'dropped' | 'here' | 'here*' | 'away' | 'away*' | 'both' | 'both*'

/** Ends for podHere, podAway, node and outside. */
type Row = readonly [End, End, End, End]

const everybody = (end: End): Row => [end, end, end, end]

const expected: Readonly<Record<'internal' | 'external', Readonly<Record<Policy, Readonly<Record<StateName, Row>>>>>> =
  {
    internal: {
      Cluster: {
        'no endpoint': everybody('refused'),
        'one here': ['here', 'here*', 'here*', 'here*'],
        'one elsewhere': ['away', 'away*', 'away*', 'away*'],
        'one here, one elsewhere': ['both', 'both*', 'both*', 'both*'],
        'leaving here, ready elsewhere': ['away', 'away*', 'away*', 'away*'],
        'ready here, leaving elsewhere': ['here', 'here*', 'here*', 'here*'],
        'leaving here and elsewhere': ['both', 'both*', 'both*', 'both*'],
        'broken here, ready elsewhere': ['away', 'away*', 'away*', 'away*'],
        'broken here and elsewhere': everybody('refused'),
      },
      Local: {
        'no endpoint': everybody('refused'),
        'one here': ['here', 'here*', 'here*', 'here*'],
        'one elsewhere': everybody('dropped'),
        'one here, one elsewhere': ['here', 'here*', 'here*', 'here*'],
        'leaving here, ready elsewhere': ['here', 'here*', 'here*', 'here*'],
        'ready here, leaving elsewhere': ['here', 'here*', 'here*', 'here*'],
        'leaving here and elsewhere': ['here', 'here*', 'here*', 'here*'],
        'broken here, ready elsewhere': everybody('dropped'),
        'broken here and elsewhere': everybody('refused'),
      },
    },
    external: {
      Cluster: {
        'no endpoint': everybody('refused'),
        'one here': everybody('here*'),
        'one elsewhere': everybody('away*'),
        'one here, one elsewhere': everybody('both*'),
        'leaving here, ready elsewhere': everybody('away*'),
        'ready here, leaving elsewhere': everybody('here*'),
        'leaving here and elsewhere': everybody('both*'),
        'broken here, ready elsewhere': everybody('away*'),
        'broken here and elsewhere': everybody('refused'),
      },
      // Pods of this node and the node itself are not outside: any endpoint will do for them.
      Local: {
        'no endpoint': everybody('refused'),
        'one here': ['here', 'here', 'here*', 'here'],
        'one elsewhere': ['away', 'dropped', 'away*', 'dropped'],
        'one here, one elsewhere': ['both', 'here', 'both*', 'here'],
        'leaving here, ready elsewhere': ['away', 'here', 'away*', 'here'],
        'ready here, leaving elsewhere': ['here', 'here', 'here*', 'here'],
        'leaving here and elsewhere': ['both', 'here', 'both*', 'here'],
        'broken here, ready elsewhere': ['away', 'dropped', 'away*', 'dropped'],
        'broken here and elsewhere': everybody('refused'),
      },
    },
  }

const makeObjects = (family: IpFamily, policy: Policy, state: State): Objects => {
  const at = addresses[family]
  const endpoints: EndpointDraft[] = [
    ...(state.here ? [{ address: at.here, node: 'here', ...state.here }] : []),
    ...(state.away ? [{ address: at.away, node: 'away', ...state.away }] : []),
  ]
  const service = makeService({
    type: 'LoadBalancer',
    clusterIP: at.clusterIP,
    ports: [{ name: 'http', port: 80, nodePort: 30080 }],
    externalIPs: [at.externalIP],
    ingress: [{ ip: at.loadBalancer }],
    internalTrafficPolicy: policy,
    externalTrafficPolicy: policy,
  })
  return { service, slices: [makeSlice(endpoints, { addressType: family })] }
}

const trace = (tables: TracedTables, family: IpFamily, door: Door, source: Source) => {
  const at = addresses[family]
  const packet = { from: at[source], to: at[door], port: door === 'nodePort' ? 30080 : 80 }
  return tracePacket(tables, { ...packet, origin: source === 'node' ? 'process' : 'link' }, { addresses: [at.node] })
}

/** The ends as the table writes them. */
const summarize = (landings: ReturnType<typeof trace>, family: IpFamily): string => {
  const at = addresses[family]
  const ends = landings.map(({ verdict, to, port, masqueraded }) => {
    if (verdict !== 'accept') return verdict === 'reject' ? 'refused' : 'dropped'
    const name = to === at.here ? 'here' : to === at.away ? 'away' : to
    return `${port === 8080 ? name : `${name}:${port}`}${masqueraded ? '*' : ''}`
  })
  const all = [...new Set(ends)].sort().join(' ')
  return all === 'away here' ? 'both' : all === 'away* here*' ? 'both*' : all
}

/** With and without the knowledge where cluster addresses are: other rules, the same flows. */
const rangesOf = (family: IpFamily, isKnown: boolean) =>
  [isKnown ? parseMaskedCidr(serviceRanges[family], family) : undefined].filter((range) => range !== undefined)

let seen = 0
const settings = families.flatMap((family) => [true, false].map((isKnown) => ({ family, isKnown })))
for (const { family, isKnown } of settings)
  for (const policy of policies)
    for (const [name, state] of Object.entries(states))
      t.test(`${family}, policy ${policy}, ${name}${isKnown ? ', service range known' : ''}`, async (t) => {
        const context = makeContext({ family, serviceRanges: rangesOf(family, isKnown) })
        const netfilter = await loadRules([makeObjects(family, policy, state)], context)
        const tables = tracedTables(netfilter)
        for (const door of doors) {
          const row = expected[door === 'clusterIP' ? 'internal' : 'external'][policy][name as StateName]
          for (const [at, source] of sources.entries()) {
            seen++
            t.equal(summarize(trace(tables, family, door, source), family), row[at], `${door} from ${source}`)
          }
        }
      })

t.test('the matrix is complete', async (t) => {
  t.equal(seen, settings.length * doors.length * policies.length * Object.keys(states).length * sources.length)
  for (const side of Object.values(expected))
    for (const policy of policies) t.same(Object.keys(side[policy]), Object.keys(states), 'a row for every state')
})
