/** Parts of an agent beside somebody else's cluster: what each needs, and that none waits for what another one needs. */
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { service, slice } from '../support/cluster-objects.ts'
import {
  type ClusterServer,
  kindsOf120,
  kindsOfNow,
  type ServedKinds,
  startClusterServer,
} from '../support/cluster-server.ts'
import { ingress, ingressClass, path } from '../support/ingress-objects.ts'
import { type Rule, rulesOfManifest } from '../support/rbac.ts'
import { until } from '../support/until.ts'
import { makeMachine, makeUplink, nodeAddress, nodeName, podway, startPartAgent } from './support/part-agent.ts'

t.setTimeout(240_000)
const runner = createCommandRunner()
await makeUplink()

const roles = join(import.meta.dirname, '../../deploy/rbac')
const ruleOf = (part: string): readonly Rule[] => rulesOfManifest(join(roles, `${part}.yaml`))
const partNames = ['network', 'proxy', 'dns', 'ingress'] as const
const allRules = partNames.flatMap(ruleOf)
const without = (rules: readonly Rule[], ...resources: readonly string[]): readonly Rule[] =>
  rules.map((rule) => ({ ...rule, resources: (rule.resources ?? []).filter((each) => !resources.includes(each)) }))

const backend = createServer((_request, response) => response.end('from the pod'))
backend.listen(8080, nodeAddress)
await once(backend, 'listening')
t.teardown(() => void backend.close())

/** Another one for each server: rules of a test stay in the kernel. */
let clusterIP = ''
let servers = 0
const serve = async (t: Test, kinds: ServedKinds): Promise<ClusterServer> => {
  const server = await startClusterServer(t, kinds)
  const { api } = server
  clusterIP = `10.96.1.${++servers}`
  api.put('nodes', {
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } },
    ...{ spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] } },
  })
  api.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } })
  api.put(
    'services',
    service('web', { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80, targetPort: 8080 }] }),
  )
  const slices = slice('web', [{ addresses: [nodeAddress], conditions: { ready: true } }])
  if (Object.values(kinds).flat().includes('endpointslices')) api.put('endpointslices', slices)
  else
    api.put('endpoints', {
      ...{ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'web', namespace: 'default' } },
      ...{ subsets: [{ addresses: [{ ip: nodeAddress }], ports: [{ name: 'http', port: 8080 }] }] },
    })
  api.put('ingressclasses', ingressClass('podway'))
  api.put('ingresses', ingress({ className: 'podway', rules: { 'web.lab': [path('prefix:/', 'web')] } }))
  return server
}

const ask = async (url: string, host = 'web.lab'): Promise<string> =>
  runner.run('curl', ['-sS', '-m', '2', '-H', `Host: ${host}`, url]).catch((error: unknown) => String(error))
const served: Readonly<Record<(typeof partNames)[number], () => Promise<boolean>>> = {
  network: async () => (await runner.run('ip', ['-o', 'link', 'show'])).includes('podway0'),
  proxy: async () => (await ask(`http://${clusterIP}/`)) === 'from the pod',
  dns: async () => {
    // Once: nothing that a client asks is lost.
    const resolver = new Resolver({ timeout: 5_000, tries: 1 })
    resolver.setServers(['10.96.0.10'])
    const found = await resolver.resolve4('web.default.svc.cluster.local').catch(() => [])
    return found[0] === clusterIP
  },
  ingress: async () => (await ask(`http://${nodeAddress}/`)) === 'from the pod',
}

const withoutSlices: ServedKinds = { ...kindsOf120, 'discovery.k8s.io/v1beta1': [] }
const used = new Set<string>()

for (const [server120, kinds] of [
  ['of 1.20', kindsOf120],
  ['without slices', withoutSlices],
  ['of now', kindsOfNow],
] as const)
  for (const part of partNames)
    t.test(`${part} alone, with its role, at a server ${server120}`, async (t) => {
      const server = await serve(t, kinds)
      server.allow(part, ruleOf(part))
      const agent = await startPartAgent(t, await makeMachine(t), server, part, part)
      await until(served[part], `${part} to serve`, 20_000)
      if (part === 'network') {
        await agent.says(/the pod network is ready/)
        t.match(server.api.peek('nodes', nodeName)?.metadata.annotations, {
          'flannel.alpha.coreos.com/public-ip': nodeAddress,
        })
      }
      const refused = server.asked.filter(({ isAllowed }) => !isAllowed)
      t.same(refused, [], 'its role is enough')
      for (const { user, verb, group, resource } of server.asked) used.add(`${user} ${verb} ${group} ${resource}`)
      await agent.stop()
      t.equal(agent.exit(), 0)
    })

t.test('no role has a right that is not used', async (t) => {
  // Asked for when an object names them, or something happens.
  const byChance = /(get|list|watch) +(secrets|configmaps)$|(create|patch) +events$/
  for (const part of partNames)
    for (const { verbs, apiGroups = [], resources = [] } of ruleOf(part))
      for (const verb of verbs)
        for (const group of apiGroups)
          for (const resource of resources) {
            const right = `${part} ${verb} ${group} ${resource}`
            t.ok(used.has(right) || (byChance.test(right) && part !== 'proxy'), right)
          }
})

t.test('nodes are refused: the others serve, and it is said which right is missing', async (t) => {
  const server = await serve(t, kindsOf120)
  server.allow('all', without(allRules, 'nodes'))
  const agent = await startPartAgent(t, await makeMachine(t), server, 'all', partNames.join())
  for (const part of ['proxy', 'dns', 'ingress'] as const) await until(served[part], part, 20_000)
  await agent.says(
    /cannot watch nodes: forbidden: .*User "all" cannot list .*; it needs the rights to list and watch nodes/,
  )
  await agent.says(/waiting for the pod network: the nodes are not known: forbidden/)
  t.notOk(agent.messages.some((each) => /podCIDR yet|does not answer/.test(each)))
  server.allow('all', allRules)
  await agent.says(/the pod network is ready/, 30_000)
})

t.test('with the rights of flannel the node is told of by its status', async (t) => {
  const server = await serve(t, kindsOf120)
  const flannel: Rule = { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] }
  const reading = ruleOf('network').map((rule) => ({ ...rule, verbs: rule.verbs.filter((verb) => verb !== 'patch') }))
  server.allow('flannel', reading)
  const agent = await startPartAgent(t, await makeMachine(t), server, 'flannel', 'network')
  await agent.says(/the pod network is ready/)
  await agent.says(/cannot annotate Node node1: forbidden: .*grant "patch" on nodes or nodes\/status/)
  server.allow('flannel', [...reading, flannel])
  await until(
    () => server.api.peek('nodes', nodeName)?.metadata.annotations?.['flannel.alpha.coreos.com/public-ip'],
    'the annotation',
    15_000,
  )
})

t.test('Gateways, names of pods and published records may be refused', async (t) => {
  const server = await serve(t, kindsOfNow)
  const refused = ['gatewayclasses', 'gateways', 'httproutes', 'referencegrants', 'namespaces', 'pods', 'configmaps']
  server.allow('some', without([...ruleOf('dns'), ...ruleOf('ingress')], ...refused))
  const agent = await startPartAgent(t, await makeMachine(t), server, 'some', 'dns,ingress')
  for (const part of ['dns', 'ingress'] as const) await until(served[part], part, 20_000)
  await agent.says(/cannot watch gateways.gateway.networking.k8s.io: forbidden/)
  await agent.says(/cannot watch pods: forbidden/)
})

t.test('policies that cannot be read keep pods off the network', async (t) => {
  const server = await serve(t, kindsOfNow)
  server.allow('blind', without(ruleOf('network'), 'networkpolicies'))
  const machine = await makeMachine(t)
  const confDir = join(machine.folder, 'net.d')
  const network = join(confDir, '10-podway.conflist')
  const installed = ['--state', machine.stateDir, '--bin-dir', join(machine.folder, 'bin'), '--conf-dir', confDir]
  await runner.run(podway, ['cni', 'install', ...installed])
  const agent = await startPartAgent(t, machine, server, 'blind', 'network', '--cni-conf-dir', confDir)
  await agent.says(/cannot watch networkpolicies.networking.k8s.io: forbidden/)
  t.notOk(agent.messages.some((each) => /the pod network is ready/.test(each)))
  t.notOk(existsSync(network), 'a kubelet does not see the network')
  server.allow('blind', ruleOf('network'))
  await agent.says(/the pod network is ready/, 20_000)
  await agent.says(/container runtimes see the network/)
  t.ok(existsSync(network))
  await agent.stop()
  t.ok(existsSync(network), 'while an agent is away the pods have their network: the node stays ready')
})

t.test('a node without a Node, and one without a range: each is said', async (t) => {
  const server = await serve(t, kindsOf120)
  server.api.drop('nodes', nodeName)
  server.allow('network', ruleOf('network'))
  const agent = await startPartAgent(t, await makeMachine(t), server, 'network', 'network')
  await agent.says(/waiting for the pod network: there is no Node "node1"/)
  server.api.put('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } })
  await agent.says(/waiting for the pod network: Node "node1" has no podCIDR yet/)
})

t.test('a second agent takes over: nobody hears of it, and DNS and Ingress answer all the time', async (t) => {
  const server = await serve(t, kindsOf120)
  server.allow('all', allRules)
  const machine = await makeMachine(t)
  const first = await startPartAgent(t, machine, server, 'all', partNames.join())
  for (const part of partNames) await until(served[part], part, 20_000)
  await first.says(/the pod network is ready/)
  const socket = join(machine.stateDir, 'cni.sock')
  const statusOf = () =>
    runner.run('sh', ['-c', `CNI_COMMAND=VERSION ${podway} cni --state ${machine.stateDir} <<X\n{}\nX`])

  const asked = { dns: 0, ingress: 0 }
  const failed: string[] = []
  const stop = new AbortController()
  const asking = (['dns', 'ingress'] as const).map(async (part) => {
    while (!stop.signal.aborted) {
      if (!(await served[part]())) failed.push(part)
      asked[part]++
    }
  })
  // It knows the state, and no zone of before.
  const { folder } = await makeMachine(t)
  const second = await startPartAgent(t, { ...machine, folder }, server, 'all', partNames.join())
  await until(() => first.exit() !== undefined, 'the end of the first', 30_000)
  await second.says(/the pod network is ready/)
  await second.says(/Services are in the kernel/)
  stop.abort()
  await Promise.all(asking)
  t.same(failed, [])
  t.ok(asked.dns > 10 && asked.ingress > 10, `${asked.dns} and ${asked.ingress} questions`)
  t.equal(first.exit(), 0)
  t.ok(existsSync(socket), 'the end of the first has not taken the socket')
  t.match(await statusOf(), /supportedVersions/, 'the second answers there')
  for (const { messages } of [first, second])
    t.notOk(
      messages.some((each) => /EADDRINUSE|cannot listen|does not release/.test(each)),
      messages.join('\n'),
    )

  const third = await startPartAgent(t, machine, server, 'all', 'proxy')
  await third.says(/Services are in the kernel/)
  await second.says(/another agent takes this part over/)
  t.equal(second.exit(), undefined, 'the second goes on with the other parts')
  for (const part of partNames) await until(served[part], part, 20_000)
  await second.stop()
  await third.stop()
  t.same(
    (await readdir(join(machine.stateDir, 'takeover'))).filter((name) => name.endsWith('.json')),
    [],
    'no claim is left',
  )
})

t.test('cleanup of one part takes what is its own, and nothing of the others', async (t) => {
  const server = await serve(t, kindsOf120)
  server.allow('all', allRules)
  const agent = await startPartAgent(t, await makeMachine(t), server, 'all', partNames.join())
  for (const part of partNames) await until(served[part], part, 20_000)
  await agent.says(/the pod network is ready/)
  await agent.stop()
  const left = async () => ({
    proxy: (await runner.run('iptables-save', [])).includes('PODWAY-SERVICES'),
    dns: (await runner.run('iptables-save', [])).includes('PODWAY-DNS'),
    address: (await runner.run('ip', ['address', 'show', 'dev', 'lo'])).includes('10.96.0.10/'),
    network: (await runner.run('ip', ['-o', 'link', 'show'])).includes('podway0'),
  })
  t.same(await left(), { proxy: true, dns: true, address: true, network: true })
  await runner.run(podway, ['cleanup', '--only', 'proxy'])
  t.same(await left(), { proxy: false, dns: true, address: true, network: true })
  await runner.run(podway, ['cleanup', '--only', 'dns,ingress'])
  t.same(await left(), { proxy: false, dns: false, address: false, network: true })
  await runner.run(podway, ['cleanup', '--only', 'network', '--data', '/nonexistent'])
  t.same(await left(), { proxy: false, dns: false, address: false, network: false })
  t.notMatch(await runner.run('iptables-save', []), /PODWAY-/)
  await t.rejects(runner.run(podway, ['cleanup', '--only', 'proxies']), /"proxies" is none of network, proxy/)
})
