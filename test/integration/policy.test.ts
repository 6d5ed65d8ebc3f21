/** Network policies with real packets: every case of policy-cases.ts, each way, between the pods of two nodes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import type { Namespace, NetworkPolicy, Pod, StringMap } from '../../src/api/types/index.ts'
import { createConversations } from '../../src/host/conntrack/conversations.ts'
import { silentLogger } from '../../src/host/log.ts'
import { enterNetworkFile } from '../../src/host/namespaces.ts'
import { createNetfilter } from '../../src/host/netfilter/netfilter.ts'
import { cleanupPolicies, createPolicyEnforcer, type PolicyEnforcer } from '../../src/overlay/policy/enforcer.ts'
import { toPolicyPod } from '../../src/overlay/policy/pod.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import {
  type PodKey,
  type PolicyCase,
  podAddresses,
  podKeys,
  policyCases,
  policyObjects,
  type Try,
} from '../support/policy-cases.ts'
import { until } from '../support/until.ts'
import { viewInformer } from '../support/view-informer.ts'
import { createHost, type Host } from './support/hosts.ts'
import { createNodes, ruleLines, startNode, type TestNode } from './support/two-nodes.ts'

const ports = [80, 81] as const
const nodeOf = (key: PodKey): 'n1' | 'n2' => (key.startsWith('z') ? 'n2' : 'n1')

const podObject = (key: PodKey, labels: StringMap = {}): Pod => {
  const [namespace = '', name = ''] = key.split('/')
  const named = ports.flatMap((port) =>
    (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => ({
      ...{ name: `serve-${port}-${protocol.toLowerCase()}`, protocol, containerPort: port },
    })),
  )
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name, namespace, uid: `uid-${namespace}-${name}`, labels: { pod: name, ...labels } },
    spec: { nodeName: nodeOf(key), containers: [{ name: 'main', ports: named }] },
    status: { phase: 'Running', podIPs: [{ ip: podAddresses[key] }] },
  }
}

const namespaceObject = (name: string, labels: StringMap = {}): Namespace => ({
  ...{ apiVersion: 'v1', kind: 'Namespace' },
  metadata: { name, labels: { ns: name, 'kubernetes.io/metadata.name': name, ...labels } },
})

const nodeAddresses = {
  n1: new Set(['172.31.0.11', '10.244.1.1']),
  n2: new Set(['172.31.0.12', '10.244.2.1']),
} as const

const clusterDns = '10.96.0.10'

const createCluster = async (t: Test, backend: 'nft' | 'legacy') => {
  const [one, two, out] = await createNodes(t)
  const nodes = { n1: await startNode(t, one, 1, 'vxlan'), n2: await startNode(t, two, 2, 'vxlan') }
  await Promise.all([nodes.n1.overlay.synced, nodes.n2.overlay.synced])
  const pods = createFedInformer<Pod>(podKeys.map((key) => podObject(key)))
  const namespaces = createFedInformer<Namespace>(['x', 'y', 'z', 'kube-system'].map((name) => namespaceObject(name)))
  const policies = createFedInformer<NetworkPolicy>([])
  const stop = new AbortController()
  const running: Promise<void>[] = []
  const enforcerOf = (node: TestNode, signal: AbortSignal): PolicyEnforcer => {
    const enforcer = createPolicyEnforcer({
      ...{ pods: viewInformer(pods, toPolicyPod), namespaces, policies, nodeName: node.host.name, clusterDns },
      ...{ podCIDRs: [node.host.name === 'n1' ? '10.244.1.0/24' : '10.244.2.0/24'], log: silentLogger },
      netfilters: [createNetfilter(node.host.runner, 'IPv4', backend)],
      conversations: (family) => createConversations(node.host.runner, family),
      ownAddresses: () => nodeAddresses[node.host.name === 'n1' ? 'n1' : 'n2'],
      checkEveryMs: 200,
    })
    running.push(enforcer.run(signal))
    return enforcer
  }
  const enforcers = { n1: enforcerOf(nodes.n1, stop.signal), n2: enforcerOf(nodes.n2, stop.signal) }
  t.teardown(async () => {
    stop.abort()
    await Promise.all(running)
  })
  const hosts = new Map<PodKey, Host>()
  t.teardown(async () => {
    for (const host of hosts.values()) await host.close()
  })
  for (const key of podKeys) {
    const host = await createHost(key.replace('/', ''), ports)
    hosts.set(key, host)
    const { uid = '' } = podObject(key).metadata
    await nodes[nodeOf(key)].overlay.links.attach({
      id: uid,
      netns: `/run/netns/${host.name}`,
      addresses: [podAddresses[key]],
    })
  }
  const hostOf = (key: PodKey): Host => {
    const host = hosts.get(key)
    if (!host) throw new Error(`no host ${key}`)
    return host
  }
  /** Resolves when all changes so far are in the kernels. */
  const settled = async (): Promise<void> => {
    const admit = (enforcer: PolicyEnforcer, key: PodKey) =>
      enforcer.admit({ key, uid: pods.get(key)?.metadata.uid ?? '' }, [podAddresses[key]])
    await Promise.all([admit(enforcers.n1, 'x/a'), admit(enforcers.n2, 'z/a')])
  }
  const passes = async (from: PodKey, to: string, port: number, protocol: 'tcp' | 'udp', timeoutMs: number) =>
    !/^(timeout|E)/.test((await hostOf(from).call(to, port, { protocol, timeoutMs })).answers[0] ?? 'E')
  return { nodes, out, pods, namespaces, policies, enforcers, enforcerOf, hostOf, settled, passes, stop }
}

type Cluster = Awaited<ReturnType<typeof createCluster>>

const put = async (cluster: Cluster, { labels = {}, ...one }: PolicyCase): Promise<void> => {
  cluster.policies.put(...policyObjects(one))
  await cluster.settled()
  // Labels change while the policies are there.
  for (const key of podKeys) if (labels[key]) cluster.pods.put(podObject(key, labels[key]))
  for (const name of ['x', 'y', 'z']) if (labels[name]) cluster.namespaces.put(namespaceObject(name, labels[name]))
  await cluster.settled()
}

const takeAway = (cluster: Cluster, { labels = {}, ...one }: PolicyCase): void => {
  for (const { metadata } of policyObjects(one)) cluster.policies.remove(`${metadata.namespace}/${metadata.name}`)
  for (const key of podKeys) if (labels[key]) cluster.pods.put(podObject(key))
  for (const name of ['x', 'y', 'z']) if (labels[name]) cluster.namespaces.put(namespaceObject(name))
}

/** What must pass has time; what must not is given up soon. */
const patienceMs = { allowed: 5_000, denied: 250 }

/** How many tries there were of each kind. */
interface Tries {
  readonly allowed: number
  readonly denied: number
}

const tryAll = async (t: Test, cluster: Cluster, one: PolicyCase): Promise<Tries> => {
  const protocols = (one.protocols ?? ['TCP']).filter((protocol) => protocol !== 'SCTP')
  // One port is as good as another where no rule speaks of ports.
  const tried = JSON.stringify(one.policies).includes('"ports"') ? ports : ([80] as const)
  const tries = protocols.flatMap((protocol) =>
    tried.flatMap((port) =>
      podKeys.flatMap((from) => podKeys.filter((to) => to !== from).map((to): Try => ({ from, to, protocol, port }))),
    ),
  )
  const counts = { allowed: 0, denied: 0 }
  await Promise.all(
    tries.map(async (attempt) => {
      const wanted = one.allows(attempt)
      const { from, to, port } = attempt
      const protocol = attempt.protocol === 'UDP' ? 'udp' : 'tcp'
      const patience = wanted ? patienceMs.allowed : patienceMs.denied
      counts[wanted ? 'allowed' : 'denied']++
      if ((await cluster.passes(from, podAddresses[to], port, protocol, patience)) !== wanted)
        t.fail(`${from} to ${to} ${protocol} ${port}: wanted ${wanted}`)
    }),
  )
  t.ok(tries.length > 0, `${counts.allowed} allowed, ${counts.denied} denied`)
  return counts
}

t.test('every case, with real packets', { timeout: 280_000 }, async (t) => {
  const cluster = await createCluster(t, 'nft')
  const all: Tries[] = []
  for (const one of policyCases)
    await t.test(one.name, async (t) => {
      await put(cluster, one)
      all.push(await tryAll(t, cluster, one))
      takeAway(cluster, one)
    })
  for (const kind of ['allowed', 'denied'] as const)
    t.ok(
      all.some((tries) => tries[kind] > 0),
      kind,
    )
  await cluster.settled()
  const rules = ruleLines(await cluster.nodes.n1.host.runner.run('iptables-nft-save', ['-t', 'mangle']))
  t.notMatch(rules, /PODWAY-NP[A-Z]-/, 'nothing is left of them')
})

const denyAll = (namespace: string): NetworkPolicy => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'deny', namespace } },
  spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
})

/** So long nothing comes of a connection that has ended; who talks says something every 50 ms. */
const quietMs = 1_500

/** Talks all the time over every TCP connection, also unasked, and answers what comes by UDP; prints whom it has heard. */
const serverScript = `
const plain = (address) => address.replace('::ffff:', '')
require('net').createServer((socket) => {
  const timer = setInterval(() => socket.write('tick'), 50)
  const name = plain(socket.remoteAddress)
  socket.on('data', () => console.log('tcp ' + name)).on('error', () => {}).on('close', () => clearInterval(timer))
}).listen(9000, '::', () => console.log('up'))
const udp = require('dgram').createSocket('udp6', (_, { address, port }) => {
  console.log('udp ' + plain(address))
  udp.send('tick', port, address)
}).bind(9001, '::')`

/** One connection, never another. */
const clientScript = (protocol: 'tcp' | 'udp', to: string): string =>
  protocol === 'tcp'
    ? `
const socket = require('net').connect(9000, '${to}')
setInterval(() => socket.write('tock'), 50)
socket.on('data', () => console.log('tcp'))`
    : `
const socket = require('dgram').createSocket('udp4', () => console.log('udp'))
socket.connect(9001, '${to}', () => setInterval(() => socket.send('tock'), 50))`

/** Runs a script in a host until the test ends; tells when it has printed a line last. */
const startTalker = (t: Test, { name }: Host, script: string) => {
  const [file, ...args] = enterNetworkFile(`/run/netns/${name}`)
  const child = spawn(file, [...args, process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const heard = new Map<string, number>()
  createInterface({ input: child.stdout }).on('line', (line) => heard.set(line, performance.now()))
  t.teardown(async () => {
    child.kill()
    await ended
  })
  return { heard: (line: string): number | undefined => heard.get(line) }
}

for (const backend of ['nft', 'legacy'] as const)
  t.test(`beside the cases, in the ${backend} store`, { timeout: 120_000 }, async (t) => {
    const cluster = await createCluster(t, backend)
    const { nodes, out, policies, enforcers, passes, settled, hostOf } = cluster
    const [a, b, z] = [podAddresses['x/a'], podAddresses['x/b'], podAddresses['z/a']]
    const { runner } = nodes.n1.host

    await t.test('the own node reaches its pods, others do not', async (t) => {
      policies.put(denyAll('x'))
      await settled()
      t.match((await nodes.n1.host.call(a, 80)).answers[0], /^xa /, 'a probe of the own node')
      t.notOk(await passes('x/b', a, 80, 'tcp', 300))
      t.notOk(await passes('z/a', a, 80, 'tcp', 300), 'from another node')
      t.notOk(await passes('x/a', '172.31.0.100', 8080, 'tcp', 300), 'to the outside')
      t.notOk(await passes('x/a', '172.31.0.11', 8080, 'tcp', 300), 'to the node')
      t.ok(await passes('y/a', '172.31.0.11', 8080, 'tcp', 3_000), 'another namespace')
      t.match((await out.call('172.31.0.11', 8080)).answers[0], /^n1 /, 'the node itself')
    })

    await t.test('connections that a policy forbids end, others go on', async (t) => {
      policies.remove('x/deny')
      await settled()
      const server = startTalker(t, hostOf('x/a'), serverScript)
      await until(() => server.heard('up') !== undefined, 'the server')
      const clients = (['x/b', 'z/a', 'x/c'] as const).flatMap((key) =>
        (['tcp', 'udp'] as const).map((protocol) => ({
          ...{ key, protocol, isAllowed: key === 'x/c' },
          talker: startTalker(t, hostOf(key), clientScript(protocol, a)),
        })),
      )
      const lastHeard = ({ key, protocol, talker }: (typeof clients)[number]) => ({
        byClient: talker.heard(protocol) ?? Number.NEGATIVE_INFINITY,
        byServer: server.heard(`${protocol} ${podAddresses[key]}`) ?? Number.NEGATIVE_INFINITY,
      })
      const isAlive = (client: (typeof clients)[number], since: number) => {
        const { byClient, byServer } = lastHeard(client)
        return byClient > since && byServer > since
      }
      await until(() => clients.every((client) => isAlive(client, 0)), 'everybody talks')
      policies.put({
        ...denyAll('x'),
        spec: {
          podSelector: { matchLabels: { pod: 'a' } },
          policyTypes: ['Ingress'],
          ingress: [{ from: [{ podSelector: { matchLabels: { pod: 'c' } } }] }],
        },
      })
      await settled()
      const deniedAt = performance.now()
      for (const client of clients) {
        const name = `${client.protocol} from ${client.key}`
        if (client.isAllowed) {
          await until(() => isAlive(client, deniedAt), `${name} goes on`)
          continue
        }
        await until(() => {
          const { byClient, byServer } = lastHeard(client)
          return performance.now() - Math.max(byClient, byServer) > quietMs
        }, `the end of ${name}`)
      }
      const endedAt = performance.now()
      for (const client of clients)
        if (client.isAllowed) await until(() => isAlive(client, endedAt), `${client.protocol} still goes on`)
        else t.notOk(isAlive(client, endedAt - quietMs), `${client.protocol} from ${client.key} has ended for good`)
      policies.put(denyAll('x'))
      await settled()
    })

    await t.test('after translation: a Service is its pods', async (t) => {
      policies.put({
        ...denyAll('x'),
        spec: {
          podSelector: { matchLabels: { pod: 'a' } },
          policyTypes: ['Egress'],
          egress: [{ to: [{ podSelector: { matchLabels: { pod: 'b' } } }] }],
        },
      })
      await settled()
      const toService = (address: string) => [
        'PREROUTING',
        '-d',
        '10.96.0.99',
        '-j',
        'DNAT',
        '--to-destination',
        address,
      ]
      for (const [address, wanted] of [
        [b, true],
        [podAddresses['x/c'], false],
      ] as const) {
        await runner.run(`iptables-${backend}`, ['-t', 'nat', '-A', ...toService(address)])
        t.equal(await passes('x/a', '10.96.0.99', 80, 'tcp', wanted ? 3_000 : 300), wanted)
        await runner.run(`iptables-${backend}`, ['-t', 'nat', '-D', ...toService(address)])
      }
    })

    await t.test('the cluster DNS is a pod of kube-system', async (t) => {
      await runner.run('ip', ['address', 'add', `${clusterDns}/32`, 'dev', 'lo'])
      const server = new AbortController()
      const ready = Promise.withResolvers<void>()
      const script = `require('net').createServer((s) => s.on('error', () => s.destroy()).resume().write('dns you\\n')).listen(53, '${clusterDns}', () => console.log('up'))`
      const serving = nodes.n1.host.serve(script, server.signal, ready.resolve)
      await ready.promise
      policies.put(denyAll('x'))
      await settled()
      t.notOk(await passes('x/a', clusterDns, 53, 'tcp', 300))
      policies.put({
        ...denyAll('x'),
        spec: {
          ...{ podSelector: {}, policyTypes: ['Egress'] },
          egress: [
            {
              to: [
                {
                  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
                  podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
                },
              ],
              ports: [{ protocol: 'TCP', port: 53 }],
            },
          ],
        },
      })
      await settled()
      t.ok(await passes('x/a', clusterDns, 53, 'tcp', 3_000))
      t.notOk(await passes('x/a', '172.31.0.11', 8080, 'tcp', 300))
      server.abort()
      await serving
    })

    await t.test('a pod is protected before the API tells of its addresses', async (t) => {
      policies.put(denyAll('y'))
      await settled()
      const late: Pod = {
        ...podObject('y/a'),
        metadata: { ...podObject('y/a').metadata, name: 'late', uid: 'uid-late' },
      }
      cluster.pods.put({ ...late, status: {} })
      await enforcers.n1.admit({ key: 'y/late', uid: 'uid-late' }, ['10.244.1.99'])
      t.match(await runner.run(`iptables-${backend}-save`, ['-t', 'mangle']), /-d 10\.244\.1\.99\/32 -g PODWAY-NPG-/)
      cluster.pods.remove('y/late')
      enforcers.n1.forget('uid-late')
      await settled()
      t.notMatch(await runner.run(`iptables-${backend}-save`, ['-t', 'mangle']), /10\.244\.1\.99/)
    })

    await t.test('what is accepted and dropped is counted', async (t) => {
      policies.put({
        ...denyAll('x'),
        spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: {} }] }] },
      })
      await settled()
      t.ok(await passes('x/b', a, 80, 'tcp', 3_000))
      t.notOk(await passes('z/a', a, 80, 'tcp', 300))
      const found = (await enforcers.n1.counts()).find(
        ({ policy, direction }) => policy === 'x/deny' && direction === 'ingress',
      )
      t.ok((found?.accepted ?? 0) > 0)
      t.ok((found?.dropped ?? 0) > 0)
    })

    await t.test('a flush is healed; an accept of others comes too late', async (t) => {
      const isDenied = async () => !(await passes('z/a', a, 80, 'tcp', 300))
      await runner.run(`iptables-${backend}`, ['-I', 'FORWARD', '1', '-j', 'ACCEPT'])
      t.ok(await isDenied())
      for (const fault of [['-F'], ['-F', 'PODWAY-NP-INGRESS'], ['-D', 'FORWARD', '1']]) {
        await runner.run(`iptables-${backend}`, ['-t', 'mangle', ...fault])
        await until(isDenied, `rules after ${fault.join(' ')}`)
      }
      await runner.run(`iptables-${backend}`, ['-D', 'FORWARD', '1'])
    })

    await t.test('rules outlive the agent, and a new one finds nothing to do', async (t) => {
      // The overlay puts its own rules of this table back by itself, whenever it looks.
      const save = async () =>
        (await runner.run(`iptables-${backend}-save`, ['-t', 'mangle']))
          .split('\n')
          .filter((line) => /^-A .*PODWAY-(NP|POLICY)/.test(line))
          .join('\n')
      cluster.stop.abort()
      const before = await save()
      t.notOk(await passes('z/a', a, 80, 'tcp', 300))
      const next = new AbortController()
      const again = cluster.enforcerOf(nodes.n1, next.signal)
      await again.synced
      t.equal(await save(), before)
      next.abort()
    })

    await t.test('cleanup leaves nothing', async (t) => {
      await cleanupPolicies(createNetfilter(runner, 'IPv4', backend))
      t.notMatch(await runner.run(`iptables-${backend}-save`, ['-t', 'mangle']), /PODWAY-(NP|POLICY)/)
      t.ok(await passes('z/a', a, 80, 'tcp', 3_000))
      t.ok(await passes('x/a', z, 80, 'tcp', 3_000))
    })
  })
