/** Policies of a node, kept in a fake kernel. */
import t, { type Test } from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { Namespace, NetworkPolicy, Pod } from '../../../../src/api/types/index.ts'
import { CommandError } from '../../../../src/host/command.ts'
import type { Conversation } from '../../../../src/host/conntrack/conversations.ts'
import { createFakeNetfilter, type FakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import type { CountedRule } from '../../../../src/host/netfilter/netfilter.ts'
import { parseSave } from '../../../../src/host/netfilter/tables.ts'
import { tracePacket } from '../../../../src/host/netfilter/trace.ts'
import { cleanupPolicies, createPolicyEnforcer, type PolicyEnforcer } from '../../../../src/overlay/policy/enforcer.ts'
import { createPolicyMetrics } from '../../../../src/overlay/policy/metrics.ts'
import { policyChains } from '../../../../src/overlay/policy/names.ts'
import { toPolicyPod } from '../../../../src/overlay/policy/pod.ts'
import { createFedInformer } from '../../../support/fed-informer.ts'
import { recordingLog } from '../../../support/recording-log.ts'
import { soon, turns, until } from '../../../support/until.ts'
import { viewInformer } from '../../../support/view-informer.ts'

const namespace = (name: string, labels?: Readonly<Record<string, string>>): Namespace => ({
  ...{ apiVersion: 'v1', kind: 'Namespace' },
  metadata: { name, ...(labels ? { labels } : {}) },
})
const pod = (name: string, ip: string | undefined, more: { uid?: string; node?: string } = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name, namespace: 'x', uid: more.uid ?? `uid-${name}`, labels: { app: name } },
  spec: { nodeName: more.node ?? 'here', containers: [{ name: 'c', image: 'i' }] },
  ...(ip === undefined ? {} : { status: { phase: 'Running', podIPs: [{ ip }] } }),
})
const policy = (name: string, spec: NetworkPolicy['spec']): NetworkPolicy => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'x' }, spec },
})
/** `a` is served by pods of these labels, and by nobody else. */
const only = (name: string, app: string): NetworkPolicy =>
  policy(name, {
    podSelector: { matchLabels: { app: 'a' } },
    ingress: [{ from: [{ podSelector: { matchLabels: { app } } }] }],
  })

const [a, b, c, dns] = ['10.244.1.2', '10.244.1.3', '10.244.1.4', '10.96.0.10']

/** Runs until the test or what is returned ends it. */
const start = (t: Test, enforcer: PolicyEnforcer): (() => Promise<void>) => {
  const stop = new AbortController()
  const running = enforcer.run(stop.signal)
  const end = async (): Promise<void> => {
    stop.abort()
    await running
  }
  t.teardown(end)
  return end
}

const open = (t: Test, counted: ReadonlyMap<string, readonly CountedRule[]> = new Map()) => {
  const netfilter: FakeNetfilter = Object.assign(createFakeNetfilter('IPv4'), { counts: async () => counted })
  const pods = createFedInformer<Pod>([pod('a', a), pod('b', b), pod('c', c, { node: 'there' })])
  const namespaces = createFedInformer<Namespace>([namespace('x'), namespace('kube-system', { name: 'kube-system' })])
  const policies = createFedInformer<NetworkPolicy>([only('first', 'b')])
  const clock = createFakeClock()
  const { log, messages } = recordingLog()
  const forgotten: Conversation[] = []
  const talking: Conversation[] = []
  const enforcer = createPolicyEnforcer({
    ...{ pods: viewInformer(pods, toPolicyPod), namespaces, policies, nodeName: 'here', log, clock, clusterDns: dns },
    ...{ podCIDRs: ['10.244.1.0/24'], netfilters: [netfilter], ownAddresses: () => new Set(['10.244.1.1']) },
    conversations: () => ({
      list: async () => talking,
      forget: async (one) => {
        forgotten.push(one)
        return 1
      },
    }),
  })
  const end = start(t, enforcer)
  const passes = (from: string, to: string, port = 80): boolean => {
    const [only, ...more] = tracePacket(
      { mangle: parseSave(netfilter.dump('mangle')) },
      { from, to, port, protocol: 'tcp' },
      { addresses: ['10.244.1.1'] },
    )
    if (!only || more.length > 0) throw new Error('a packet has one end')
    return only.verdict === 'accept'
  }
  return { netfilter, pods, namespaces, policies, clock, messages, forgotten, talking, enforcer, passes, end }
}

t.test('follows pods, namespaces and policies', async (t) => {
  const { enforcer, passes, policies, pods, namespaces, netfilter } = open(t)
  await soon(enforcer.synced, 'the first rules')
  t.same([passes(b, a), passes(c, a), passes(a, b)], [true, false, true])
  policies.put(only('second', 'c'))
  await until(() => passes(c, a), 'the second policy')
  policies.remove('x/first')
  await until(() => !passes(b, a), 'the end of the first')
  pods.put(pod('b', '10.244.1.9'))
  policies.put(only('first', 'b'))
  await until(() => passes('10.244.1.9', a), 'another address')
  t.equal(passes(b, a), false)
  pods.remove('x/b')
  await until(() => !passes('10.244.1.9', a), 'the end of the pod')
  policies.put(
    policy('first', {
      podSelector: { matchLabels: { app: 'a' } },
      ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'one' } } }] }],
    }),
  )
  policies.remove('x/second')
  await until(() => !passes(c, a), 'nobody')
  namespaces.put(namespace('x', { team: 'one' }))
  await until(() => passes(c, a), 'the label of the namespace')
  namespaces.put(namespace('x'))
  await until(() => !passes(c, a), 'its end')
  const { applied } = netfilter
  pods.put(pod('c', c, { node: 'there' }))
  await turns()
  t.equal(netfilter.applied, applied, 'what changes nothing of a pod is not written')
})

t.test('the cluster DNS counts as a pod of kube-system', async (t) => {
  const { enforcer, passes, policies } = open(t)
  policies.put(
    policy('first', {
      podSelector: { matchLabels: { app: 'a' } },
      policyTypes: ['Egress'],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { name: 'kube-system' } },
              podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
            },
          ],
          ports: [{ protocol: 'TCP', port: 'dns-tcp' }],
        },
      ],
    }),
  )
  await soon(enforcer.synced, 'the first rules')
  await until(() => !passes(a, b), 'the policy')
  t.same([passes(a, dns, 53), passes(a, dns, 54)], [true, false])
})

t.test('a pod is let in when its policies are there', async (t) => {
  const { enforcer, passes, pods, clock } = open(t)
  await soon(enforcer.synced, 'the first rules')
  pods.put(pod('a', undefined, { uid: 'new' }))
  await enforcer.admit({ key: 'x/a', uid: 'new' }, ['10.244.1.7'])
  t.same(
    [passes(b, '10.244.1.7'), passes(c, '10.244.1.7')],
    [true, false],
    'at the address that the API does not know yet',
  )
  pods.put(pod('a', undefined, { uid: 'new' }))
  t.equal(passes(c, '10.244.1.7'), false, 'whatever the API says of it meanwhile')
  enforcer.forget('nobody')
  enforcer.forget('new')
  await until(() => passes(c, '10.244.1.7'), 'its address to be free again')
  const early = enforcer.admit({ key: 'x/late', uid: 'late' }, ['10.244.1.8'])
  pods.put(pod('late', undefined, { uid: 'late' }))
  await early
  let failure: unknown
  void enforcer.admit({ key: 'x/a', uid: 'other' }, ['10.244.1.9']).catch((error: unknown) => {
    failure = error
  })
  await until(() => {
    clock.advance(1_000)
    return failure !== undefined
  }, 'it to be given up')
  t.match(failure, { message: 'the API server shows no pod x/a (other): its network policies are not known' })
})

t.test('a pod that says that it has the uid of another one has none of its addresses', async (t) => {
  const { enforcer, pods, passes } = open(t)
  await soon(enforcer.synced, 'the first rules')
  await enforcer.admit({ key: 'x/c', uid: 'uid-c' }, [c])
  const liar = pod('liar', '10.244.1.9')
  const metadata = { ...liar.metadata, labels: { app: 'b' }, annotations: { 'kubernetes.io/config.mirror': 'uid-c' } }
  pods.put({ ...liar, metadata })
  await until(() => passes('10.244.1.9', a), 'the rules for it')
  t.notOk(passes(c, a))
})

t.test('nothing is written, and nobody let in, before all is known', async (t) => {
  const known = Promise.withResolvers<void>()
  const netfilter = createFakeNetfilter('IPv4')
  const pods = createFedInformer<Pod>([pod('a', a)])
  const enforcer = createPolicyEnforcer({
    ...{ pods: viewInformer(pods, toPolicyPod), namespaces: createFedInformer<Namespace>([namespace('x')]) },
    policies: { ...createFedInformer<NetworkPolicy>([only('first', 'b')]), synced: known.promise },
    ...{ nodeName: 'here', podCIDRs: ['10.244.1.0/24'], clusterDns: dns, netfilters: [netfilter] },
    ...{ ownAddresses: () => new Set<string>(), log: recordingLog().log },
    conversations: () => ({ list: async () => [], forget: async () => 0 }),
  })
  const stop = new AbortController()
  const running = enforcer.run(stop.signal)
  let isIn = false
  const admitted = enforcer.admit({ key: 'x/a', uid: 'uid-a' }, [a]).then(() => {
    isIn = true
  })
  await turns()
  t.same([netfilter.applied, isIn], [0, false])
  known.resolve()
  await admitted
  t.match(netfilter.dump('mangle'), /10\.244\.1\.2/)
  stop.abort()
  await running
})

t.test('what others change is noticed and mended', async (t) => {
  const { enforcer, passes, netfilter, clock, messages } = open(t)
  await soon(enforcer.synced, 'the first rules')
  await netfilter.apply([{ table: 'mangle', chains: [{ name: policyChains.forward, rules: [] }] }])
  t.equal(passes(c, a), true)
  clock.advance(5_000)
  await until(() => !passes(c, a), 'the rules to be mended')
  t.match(messages.join('\n'), /somebody changed the rules of network policies/)
  await netfilter.apply([{ table: 'mangle', chains: [{ name: policyChains.forward, rules: [] }] }])
  clock.advance(5_000)
  await until(() => !passes(c, a), 'and again')
})

t.test('a policy that cannot be read closes what it is for, and is told', async (t) => {
  const { enforcer, passes, policies, messages } = open(t)
  await soon(enforcer.synced, 'the first rules')
  policies.put(
    policy('first', { podSelector: { matchLabels: { app: 'a' } }, ingress: [{ from: [{ ipBlock: { cidr: 'x' } }] }] }),
  )
  await until(() => !passes(b, a), 'it to be closed')
  t.match(messages.join('\n'), /the block x cannot be read/)
})

t.test('connections that are forbidden now end', async (t) => {
  const { enforcer, policies, talking, forgotten, clock } = open(t)
  talking.push(
    { protocol: 'tcp', source: b, destination: a, port: 80 },
    { protocol: 'tcp', source: c, destination: a, port: 80 },
  )
  await soon(enforcer.synced, 'the first rules')
  await until(() => forgotten.length === 1, 'the first look')
  t.match(forgotten, [{ source: c }])
  policies.put(only('first', 'nobody'))
  await until(() => {
    clock.advance(200)
    return forgotten.some(({ source }) => source === b)
  }, 'what the change forbids')
})

t.test('packets are counted by policy and direction', async (t) => {
  const counted = new Map<string, CountedRule[]>()
  const { enforcer, policies, netfilter } = open(t, counted)
  policies.put(only('second', 'c'))
  policies.put(policy('out', { podSelector: {}, policyTypes: ['Egress'], egress: [] }))
  await soon(enforcer.synced, 'the first rules')
  await until(() => netfilter.dump('mangle').includes('x/second'), 'the second policy')
  let packets = 1
  for (const { name, rules } of parseSave(netfilter.dump('mangle')).values())
    counted.set(
      name,
      rules.map((rule) => ({ rule: rule as CountedRule['rule'], packets: packets++ })),
    )
  const total = (pattern: RegExp, verdict: RegExp): number =>
    [...counted.values()]
      .flat()
      .filter(({ rule }) => pattern.test(rule) && verdict.test(rule))
      .reduce((sum, each) => sum + each.packets, 0)
  const counts = await enforcer.counts()
  const of = (name: string, direction: string) =>
    counts.find((each) => each.policy === name && each.direction === direction)
  t.same(counts.map((each) => `${each.policy} ${each.direction}`).sort(), [
    'x/first ingress',
    'x/out egress',
    'x/second ingress',
  ])
  t.equal(of('x/first', 'ingress')?.accepted, total(/"?x\/first"?/, /^(?!.*DROP)/))
  t.equal(of('x/second', 'ingress')?.accepted, total(/"?x\/second"?/, /^(?!.*DROP)/))
  t.ok((of('x/first', 'ingress')?.dropped ?? 0) > 0)
  t.equal(of('x/first', 'ingress')?.dropped, of('x/second', 'ingress')?.dropped, 'one that none allows counts for each')
  t.equal(of('x/out', 'egress')?.accepted, 0)
  t.ok((of('x/out', 'egress')?.dropped ?? 0) > 0)
  const text = await createPolicyMetrics(enforcer).metrics()
  const line = (name: string, direction: string, verdict: string) =>
    `podway_network_policy_packets_total{namespace="x",policy="${name}",direction="${direction}",verdict="${verdict}"}`
  t.ok(text.includes(`${line('first', 'ingress', 'accepted')} ${of('x/first', 'ingress')?.accepted}\n`))
  t.ok(text.includes(`${line('out', 'egress', 'dropped')} ${of('x/out', 'egress')?.dropped}\n`))
})

t.test('the rules stay when it ends, and go when they are to', async (t) => {
  const { enforcer, passes, netfilter, end } = open(t)
  await soon(enforcer.synced, 'the first rules')
  await end()
  t.equal(passes(c, a), false)
  await cleanupPolicies(netfilter)
  t.notMatch(netfilter.dump('mangle'), /PODWAY/)
  await cleanupPolicies(netfilter)
})

/** One that is opened by hand: kernels of both families, of which any write may be made to fail. */
const openBoth = (t: Test, synced: Promise<void> = Promise.resolve()) => {
  const state = { isBroken: false, looks: 0, listed: [] as string[] }
  const kernels = (['IPv4', 'IPv6'] as const).map((family) => {
    const fake = createFakeNetfilter(family)
    return Object.assign({}, fake, {
      fake,
      apply: async (edits: Parameters<FakeNetfilter['apply']>[0]) => {
        if (state.isBroken) throw new CommandError('iptables-restore', 4, 'holding the xtables lock')
        await fake.apply(edits)
      },
      list: (questions: Parameters<FakeNetfilter['list']>[0]) => {
        state.looks++
        return fake.list(questions)
      },
      counts: async () =>
        new Map(
          [...parseSave(fake.dump('mangle')).values()].map(({ name, rules }) => [
            name,
            rules.map((rule) => ({ rule: rule as CountedRule['rule'], packets: 1 })),
          ]),
        ),
    })
  })
  const clock = createFakeClock()
  const { log, messages } = recordingLog()
  const both = (name: string, last: number): Pod => ({
    ...pod(name, undefined),
    status: { phase: 'Running', podIPs: [{ ip: `10.244.1.${last}` }, { ip: `fd00:1::${last}` }] },
  })
  const pods = createFedInformer<Pod>([both('a', 2), both('b', 3)])
  const policies = createFedInformer<NetworkPolicy>([only('first', 'b')])
  const talking: Conversation[] = []
  const forgotten: string[] = []
  const enforcer = createPolicyEnforcer({
    ...{
      pods: viewInformer(pods, toPolicyPod),
      namespaces: createFedInformer<Namespace>([namespace('x')]),
      clock,
      log,
    },
    policies: { ...policies, synced },
    ...{ nodeName: 'here', podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'], clusterDns: dns, netfilters: kernels },
    ownAddresses: () => new Set<string>(),
    conversations: (family) => ({
      list: async () => {
        state.listed.push(family)
        return talking
      },
      forget: async ({ source }) => {
        forgotten.push(`${family} ${source}`)
        return 1
      },
    }),
  })
  const end = start(t, enforcer)
  const dumps = () => kernels.map(({ fake }) => fake.dump('mangle'))
  return { state, enforcer, clock, messages, policies, talking, forgotten, end, dumps, kernels }
}

t.test('each family has its rules, its conversations and its counts', async (t) => {
  const { enforcer, dumps, talking, forgotten } = openBoth(t)
  talking.push({ protocol: 'tcp', source: '203.0.113.9', destination: a, port: 80 })
  talking.push({ protocol: 'tcp', source: 'fd00:9::1', destination: 'fd00:1::2', port: 80 })
  await soon(enforcer.synced, 'the first rules')
  const [four = '', six = ''] = dumps()
  t.match(four, /-s 10.244.1.3\/32 .*-j RETURN/)
  t.match(six, /-s fd00:1::3\/128 .*-j RETURN/)
  t.notMatch(four, /fd00/)
  t.notMatch(six, /10\.244/)
  await until(() => forgotten.length === 2, 'what is forbidden')
  t.same([...forgotten].sort(), ['IPv4 203.0.113.9', 'IPv6 fd00:9::1'])
  const counts = await enforcer.counts()
  t.same(
    counts.map(({ policy: name, direction }) => `${name} ${direction}`),
    ['x/first ingress', 'x/first ingress'],
  )
  const text = await createPolicyMetrics(enforcer).metrics()
  t.match(text, /policy="first",direction="ingress",verdict="accepted"\} 2\n/, 'of both families together')
})

t.test('what cannot be written is told and made good, and nobody is let in before', async (t) => {
  const { state, enforcer, clock, messages, policies, dumps, talking, forgotten } = openBoth(t)
  await soon(enforcer.synced, 'the first rules')
  await until(() => state.listed.length === 2, 'the first look at conversations')
  state.isBroken = true
  policies.put(only('first', 'nobody'))
  await until(() => messages.includes('cannot write the rules of network policies'), 'the failure')
  talking.push({ protocol: 'tcp', source: b, destination: a, port: 80 })
  await turns()
  clock.advance(200)
  await turns()
  t.same(forgotten, [], 'what the kernel still allows goes on')
  t.match(dumps()[0], /-s 10.244.1.3\/32/)
  let isIn = false
  const admitted = enforcer.admit({ key: 'x/b', uid: 'uid-b' }, [b]).then(() => {
    isIn = true
  })
  await turns()
  t.equal(isIn, false)
  state.isBroken = false
  await until(() => {
    clock.advance(100)
    return isIn
  }, 'the next try')
  await admitted
  t.notMatch(dumps()[0], /-s 10.244.1.3\/32/)
  await until(() => {
    clock.advance(200)
    return forgotten.includes(`IPv4 ${b}`)
  }, 'what is forbidden now')
})

t.test('it looks every so often, and not after its end', async (t) => {
  const { state, enforcer, clock, messages, end } = openBoth(t)
  await soon(enforcer.synced, 'the first rules')
  await turns()
  t.equal(state.looks, 0)
  for (const wanted of [1, 2]) {
    const before = state.looks
    clock.advance(4_999)
    await turns()
    t.equal(state.looks, before)
    clock.advance(1)
    await until(() => state.looks >= before + 2, `look ${wanted}, at each family`)
  }
  t.notMatch(messages.join(), /somebody changed/)
  await end()
  const after = state.looks
  clock.advance(60_000)
  await turns()
  t.equal(state.looks, after)
})

t.test('one that is ended before all is known writes nothing', async (t) => {
  const { end, kernels, state } = openBoth(t, new Promise(() => undefined))
  await turns()
  await end()
  t.same(
    kernels.map(({ fake }) => fake.applied),
    [0, 0],
  )
  t.same(state.listed, [])
})
