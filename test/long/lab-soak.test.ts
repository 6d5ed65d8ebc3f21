/**
 * A lab that is broken again and again, at random: whatever is done to it, every path works again within a while, no
 * address, rule or process is left over, and memory does not grow.
 */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLabHome, root, runner } from '../integration/support/lab.ts'
import { rounds, seedOr } from '../support/rounds.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { until } from '../support/until.ts'

const seed = seedOr(1)
const random = createSeededRandom(seed)
const anyOf = <T>(values: readonly T[]): T | undefined => values[random.below(values.length)]
const faultCount = rounds(4, 200)
const healSeconds = 60

t.setTimeout(1_700_000)
const { run, kubectl, kubectlJson, fetchFrom, home } = await createLabHome()

const nodes = ['node1', 'node2', 'node3']
const addressOf: Readonly<Record<string, string>> = {
  node1: '172.30.0.11',
  node2: '172.30.0.12',
  node3: '172.30.0.13',
}

const onNode = (node: string, script: string): Promise<string> => run('lab', 'exec', node, '--', 'sh', '-c', script)

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
    readonly spec: { readonly nodeName: string }
    readonly status: { readonly podIP?: string }
  }[]
}
const webPods = async (): Promise<Pods['items']> =>
  (await kubectlJson<Pods>('get', 'pods', '-l', 'app=web')).items.filter(({ metadata }) => !metadata.deletionTimestamp)

const flush = (node: string): Promise<string> =>
  onNode(node, 'for t in raw mangle nat filter; do iptables-nft -t $t -F; iptables-nft -t $t -X; done')

/** The name of a pod's link on this node; empty when there is none. */
const somePodLink = async (node: string): Promise<string> => {
  const links = (await onNode(node, "ip -brief link | grep -oE '^pw[0-9a-f]+' || true")).split('\n').filter(Boolean)
  return anyOf(links) ?? ''
}

/** What may happen. Each leaves the lab in a state from which it must heal by itself. */
const faults: Readonly<Record<string, (node: string) => Promise<unknown>>> = {
  'an agent is killed': async (node) => {
    await run('lab', 'kill', node, '--agent')
    await run('lab', 'revive', node)
  },
  'the control plane is killed': async () => {
    await run('lab', 'kill', 'control', '--agent')
    await run('lab', 'revive', 'control')
  },
  'a node loses its power': async (node) => {
    await run('lab', 'kill', node)
    await run('lab', 'revive', node)
  },
  'the control plane loses its power': async () => {
    await run('lab', 'kill', 'control')
    await run('lab', 'revive', 'control')
  },
  'all rules are flushed': flush,
  'a pod loses its link': async (node) => {
    const link = await somePodLink(node)
    // Its pod may be going just then, and the link with it.
    if (link !== '') await onNode(node, `ip link delete ${link} || ! ip link show ${link} 2>/dev/null`)
  },
  'routes are flushed': (node) => onNode(node, 'ip route flush proto static; ip neigh flush all'),
  'connections are forgotten': (node) => onNode(node, 'conntrack -F 2>/dev/null'),
  'a pod is deleted': async () => {
    const pod = anyOf(await webPods())
    if (pod) await kubectl('delete', 'pod', pod.metadata.name, '--wait=false')
  },
  'the Deployment is scaled': () => kubectl('scale', 'deployment/web', `--replicas=${2 + random.below(5)}`),
  'a rollout begins': () => kubectl('set', 'env', 'deployment/web', `ROUND=${random.below(1_000_000)}`),
  'Services come and go': async () => {
    const name = `more-${random.below(5)}`
    const exists = await kubectl('get', 'service', name, '--ignore-not-found')
    await (exists === ''
      ? kubectl('expose', 'deployment/web', `--name=${name}`, '--port=81', '--target-port=8080')
      : kubectl('delete', 'service', name))
  },
}

const succeeds = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => true,
    () => false,
  )

/** The first thing that does not work; undefined when all does. */
const firstTrouble = async (): Promise<string | undefined> => {
  const status = await kubectl('get', 'nodes').catch(() => '')
  if (!nodes.every((node) => new RegExp(`^${node} +Ready`, 'm').test(status))) return 'nodes are not Ready'
  if (!/^web +(\d+)\/\1 /m.test(await kubectl('get', 'deployment', 'web'))) return 'the Deployment is not ready'
  for (const node of nodes) {
    const nodePort = `http://${addressOf[node]}:30080/`
    if (!(await succeeds(fetchFrom('client', nodePort, 12, '--timeout', '2')))) return nodePort
    const ingress = ['--header', 'Host: web.lab', '--timeout', '2']
    if (!(await succeeds(fetchFrom('client', `http://${addressOf[node]}/`, 2, ...ingress)))) return `Ingress of ${node}`
    const asked = run('lab', 'exec', node, '--', 'podway', 'dns', 'query', 'web.default.svc.cluster.local')
    if (!(await succeeds(asked))) return `DNS of ${node}`
  }
  return undefined
}

const heal = async (t: Test, what: string): Promise<void> => {
  let trouble: string | undefined
  const isHealed = await succeeds(
    until(
      async () => {
        trouble = await firstTrouble().catch(String)
        return trouble === undefined
      },
      'all paths',
      healSeconds * 1_000,
    ),
  )
  t.ok(isHealed, `${what}: ${trouble ?? 'healed'}`)
}

/** Resident kilobytes of the daemons of the lab, all together. */
const memory = async (): Promise<number> => {
  const listings = await Promise.all(
    ['control', ...nodes].map((host) => run('lab', 'exec', host, '--', 'ps', '-eo', 'rss,args')),
  )
  return listings
    .flatMap((listing) => listing.split('\n'))
    .filter((line) => /main\.[jt]s (agent|join|control) /.test(line))
    .reduce((sum, line) => sum + Number(line.trim().split(' ')[0]), 0)
}

t.test(`${faultCount} faults, PODWAY_TEST_SEED=${seed}`, { timeout: 1_680_000 }, async (t) => {
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--node-grace', '5', '--pod-eviction', '10')
  await kubectl('apply', '-f', join(root, 'examples/demo.yaml'))
  await heal(t, 'at first')
  const early = await memory()
  t.ok(early > 0, 'finds the daemons')
  for (let round = 0; round < faultCount; round++) {
    const [name, fault] = anyOf(Object.entries(faults)) ?? ['', () => Promise.reject(new Error('no faults'))]
    const node = anyOf(nodes) ?? ''
    await fault(node)
    // Sometimes the next comes before this one is healed.
    if (random.below(3) > 0) await heal(t, `${round}. ${name} (${node})`)
  }
  await heal(t, 'at last')

  const { addresses } = JSON.parse(await run('ipam', '-o', 'json'))
  const held = (addresses as readonly { readonly owner: string }[]).filter(({ owner }) => owner.startsWith('default/'))
  await until(
    async () => (await kubectlJson<Pods>('get', 'pods')).items.length === (await webPods()).length,
    'the end of old pods',
    60_000,
  )
  t.same(
    held.map(({ owner }) => owner).sort(),
    (await webPods()).map(({ metadata }) => `default/${metadata.name}`).sort(),
    'each pod holds one address, and nobody else does',
  )
  for (const node of nodes) {
    const links = (await onNode(node, "ip -brief link | grep -cE '^pw[0-9a-f]+' || true")).trim()
    const pods = (await webPods()).filter(({ spec }) => spec.nodeName === node)
    t.equal(Number(links), pods.length, `${node} has a link for each of its pods`)
  }
  const late = await memory()
  t.ok(late < early * 2, `memory of the daemons: ${early} kB, then ${late} kB`)
  await run('lab', 'down')
  const left = (await runner.run('ps', ['-eo', 'args'])).split('\n').filter((line) => line.includes(home))
  t.same(
    left.filter((line) => !line.startsWith('ps ')),
    [],
    'nothing is left',
  )
})
