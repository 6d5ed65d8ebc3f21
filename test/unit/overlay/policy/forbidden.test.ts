/** Which conversations end, and when somebody looks. */
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { NetworkPolicy } from '../../../../src/api/types/index.ts'
import { CommandError } from '../../../../src/host/command.ts'
import type { Conversation } from '../../../../src/host/conntrack/conversations.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { createJudge, type PolicySituation } from '../../../../src/overlay/policy/forbidden.ts'
import { createForbiddenCleaner } from '../../../../src/overlay/policy/forbidden-cleaner.ts'
import { readPolicy } from '../../../../src/overlay/policy/model.ts'
import { podAddresses } from '../../../support/policy-cases.ts'
import { until } from '../../../support/until.ts'
import { caseNamespace, casePod, casePods } from './support.ts'

const policy = (name: string, namespace: string, spec: NetworkPolicy['spec']) =>
  readPolicy({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace }, spec })

const pod = (name: string) => ({ matchLabels: { pod: name } })

/** x/a is served by x/b at TCP 80 only; x/c sends to x/a only, and receives from all; all of z, on the other node, is closed. */
const policies = [
  policy('a', 'x', {
    podSelector: pod('a'),
    ingress: [{ from: [{ podSelector: pod('b') }], ports: [{ protocol: 'TCP', port: 80 }] }],
  }),
  policy('c', 'x', {
    podSelector: pod('c'),
    policyTypes: ['Egress'],
    egress: [{ to: [{ podSelector: pod('a') }] }],
  }),
  policy('open', 'x', { podSelector: pod('a'), ingress: [{ from: [{ podSelector: pod('c') }] }] }),
  policy('closed', 'z', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
]

const six = 'fd00:1::11'
const situation: PolicySituation = {
  ...{ family: 'IPv4', nodeName: 'here', ownAddresses: new Set(['10.244.1.1', '172.31.0.11']), policies },
  namespaces: new Map(['x', 'y', 'z'].map((name) => [name, caseNamespace(name)])),
  pods: casePods,
}

const [a, b, c] = [podAddresses['x/a'], podAddresses['x/b'], podAddresses['x/c']]
const [other, far] = [podAddresses['y/a'], podAddresses['z/a']]
const outside = '203.0.113.9'

const talk = (source: string, destination: string, port: number | undefined, protocol = 'tcp'): Conversation => ({
  ...{ protocol, source, destination, port },
})

const forbiddenConversations = (
  found: readonly Conversation[],
  seen: PolicySituation,
  isAsked: (pod: string) => boolean,
): readonly Conversation[] => found.filter(createJudge(seen, isAsked))

const cases: readonly (readonly [string, Conversation, boolean])[] = [
  ['what is allowed', talk(b, a, 80), false],
  ['another port', talk(b, a, 81), true],
  ['another protocol', talk(b, a, 80, 'udp'), true],
  ['SCTP', talk(b, a, 80, 'sctp'), true],
  ['ICMP, which no rule with ports allows', talk(b, a, undefined, 'icmp'), true],
  ['ICMP, where a rule is about peers alone', talk(c, a, undefined, 'icmp'), false],
  ['a protocol without a name', talk(b, a, undefined, '50'), true],
  ['another pod', talk(other, a, 80), true],
  ['from another node', talk(far, a, 80), true],
  ['from outside', talk(outside, a, 80), true],
  ['begun by a pod of which only ingress is limited', talk(a, outside, 443), false],
  ['the node itself, by any of its addresses', talk('10.244.1.1', a, 81), false],
  ['the node itself, by its own', talk('172.31.0.11', a, 81), false],
  ['to the node itself', talk(c, '172.31.0.11', 80), true],
  ['what may be sent, any port', talk(c, a, 9_999), false],
  ['what may not be sent', talk(c, b, 80), true],
  ['received by a pod of which only egress is limited', talk(outside, c, 80), false],
  ['pods without policies', talk(b, other, 80), false],
  ['a pod of another node, which decides itself', talk(b, far, 80), false],
  ['nobody we know', talk(outside, '198.51.100.1', 80), false],
]

for (const [name, one, wanted] of cases)
  t.test(`${name}: ${wanted ? 'ends' : 'stays'}`, async (t) => {
    t.same(
      forbiddenConversations([one], situation, () => true),
      wanted ? [one] : [],
    )
    t.same(
      forbiddenConversations([one], situation, () => false),
      [],
      'nobody asked',
    )
  })

t.test('only pods that are asked for', async (t) => {
  const all = [talk(outside, a, 80), talk(c, b, 80)]
  t.same(
    forbiddenConversations(all, situation, (key) => key === 'x/a'),
    all.slice(0, 1),
  )
})

t.test('IPv6, however an address is written', async (t) => {
  const pods = new Map([['x/a', { ...casePod('x/a'), addresses: ['FD00:0001:0::0011'] }]])
  const found = [talk('fd00:9::1', six, 80)]
  t.same(
    forbiddenConversations(found, { ...situation, family: 'IPv6', pods }, () => true),
    found,
  )
})

const runCleaner = (t: Test, options: Partial<Parameters<typeof createForbiddenCleaner>[0]> = {}) => {
  const forgotten: Conversation[] = []
  const state = { lists: 0, found: [] as readonly Conversation[] }
  const cleaner = createForbiddenCleaner({
    conversations: {
      list: async () => {
        state.lists++
        return state.found
      },
      forget: async (one) => forgotten.push(one),
    },
    ...{ situation: () => situation, log: silentLogger },
    ...options,
  })
  const stop = new AbortController()
  const running = cleaner.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  return { cleaner, forgotten, state }
}

t.test('looks once for a burst of changes, at the pods that changed', async (t) => {
  const { cleaner, forgotten, state } = runCleaner(t)
  await until(() => state.lists === 1, 'the look at the start')
  state.found = [talk(outside, a, 80), talk(c, b, 80), talk(b, a, 80)]
  cleaner.look(new Set(['x/a']))
  cleaner.look(new Set(['x/b']))
  cleaner.look(new Set())
  await until(() => forgotten.length > 0, 'the end of it')
  // x/b, which x/c talks to, is asked for as well.
  t.same([state.lists, forgotten], [2, state.found.slice(0, 2)])
})

t.test('looks at nothing where there are no policies', async (t) => {
  let asked = 0
  const { state } = runCleaner(t, {
    situation: () => {
      asked++
      return { ...situation, policies: [] }
    },
  })
  await until(() => asked > 0, 'the question')
  t.equal(state.lists, 0)
})

t.test('what fails is tried again, and told', async (t) => {
  const told: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void told.push(line) })
  let failures = 0
  const ended: Conversation[] = []
  runCleaner(t, {
    log,
    conversations: {
      list: async () => [talk(outside, a, 80)],
      forget: async (one) => {
        if (failures++ === 0) throw new CommandError('conntrack -D', 1, 'conntrack v1.4.7: Operation failed')
        return ended.push(one)
      },
    },
  })
  await until(() => ended.length === 1, 'another try')
  t.match(told.join(''), /cannot delete conntrack entries of connections that network policies forbid/)
})

t.test('without the program: once, with what to install', async (t) => {
  const told: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void told.push(line) })
  let tries = 0
  const { cleaner } = runCleaner(t, {
    log,
    conversations: {
      list: async () => {
        tries++
        throw new CommandError('conntrack -L', undefined, 'spawn conntrack ENOENT')
      },
      forget: async () => 0,
    },
  })
  await until(() => tries === 1, 'the first try')
  cleaner.look(new Set(['x/a']))
  await until(() => tries === 2, 'the second try')
  t.equal(told.filter((line) => line.includes('install conntrack')).length, 1)
})

t.test('what is allowed again meanwhile stays', async (t) => {
  let seen = situation
  const ended: Conversation[] = []
  let lists = 0
  const { cleaner } = runCleaner(t, {
    situation: () => seen,
    conversations: {
      list: async () => (lists++ === 0 ? [talk(outside, a, 80), talk(outside, a, 81)] : []),
      forget: async (one) => {
        seen = { ...situation, policies: situation.policies.slice(1, 2) }
        return ended.push(one)
      },
    },
  })
  await until(() => ended.length > 0, 'the first')
  cleaner.look(new Set(['x/a']))
  await until(() => lists === 2, 'the next look')
  t.same(ended, [talk(outside, a, 80)])
})
