/** What nodes and pods use, by each kubectl that is found, and by the pages of the nodes. */
import type { Test } from 'tap'
import { kubectls } from '../../support/clients.ts'
import { until } from '../../support/until.ts'
import { runner } from '../support/lab.ts'
import { apply, kubeconfig, kubectl } from './lab.ts'

const pod = (name: string, script: string, limits: Readonly<Record<string, string>>, node: string) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { uses: name } } },
  spec: {
    ...{ nodeName: node, terminationGracePeriodSeconds: 0 },
    containers: [{ name: 'main', image: 'podway/echo', command: ['sh', '-c', script], resources: { limits } }],
  },
})

/** The rows of a table, without its head: words. */
const rowsOf = (table: string): readonly (readonly string[])[] =>
  table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))

const numberOf = (text = ''): number => Number.parseInt(text, 10)

const topOf = async (t: Test, program: string): Promise<void> => {
  const ask = (...words: readonly string[]): Promise<string> =>
    runner.run(program, ['--kubeconfig', kubeconfig, ...words])
  const nodes = rowsOf(await ask('top', 'nodes'))
  t.strictSame(nodes.map(([name]) => name).toSorted(), ['node1', 'node2'])
  for (const [name, cpu, , memory, share] of nodes) {
    t.ok(numberOf(cpu) > 0, `${name} ${cpu}`)
    t.ok(numberOf(memory) > 100, `${name} ${memory}`)
    t.match(share, /^\d+%$/)
  }
  t.strictSame(
    rowsOf(await ask('top', 'node', 'node2')).map(([name]) => name),
    ['node2'],
  )

  const pods = rowsOf(await ask('top', 'pods', '-A', '--sort-by=memory'))
  t.equal(pods[0]?.[1], 'holder', 'who uses most comes first')
  t.ok(numberOf(pods[0]?.[3]) >= 140, String(pods[0]))
  const burning = rowsOf(await ask('top', 'pods', '-l', 'uses=burner', '--containers'))
  t.match(burning, [['burner', 'main', /^\d+m$/, /^\d+Mi$/]])
  t.ok(numberOf(burning[0]?.[2]) >= 50, String(burning[0]))
  // Taking its memory has made the other one busy, too.
  await until(
    async () => rowsOf(await ask('top', 'pods', '--sort-by=cpu'))[0]?.[0] === 'burner',
    'the burner to come first',
    60_000,
  )
  await t.rejects(ask('top', 'pod', 'nobody'), /pods "nobody" not found/)
  t.match(await ask('get', 'pods.metrics.k8s.io'), /^NAME +CPU +MEMORY +WINDOW\n/)
}

export const usage = async (t: Test): Promise<void> => {
  const hold = 'x=$(head -c 150000000 /dev/zero | tr "\\000" x); sleep 3600'
  await apply(
    pod('burner', 'while :; do :; done', { cpu: '300m' }, 'node1'),
    pod('holder', hold, { memory: '512Mi' }, 'node2'),
  )
  await kubectl('wait', '--for=condition=Ready', 'pod/burner', 'pod/holder', '--timeout=60s')
  await until(
    async () => {
      const rows = rowsOf(await kubectl('top', 'pods').catch(() => ''))
      const used = new Map(rows.map(([name, cpu, memory]) => [name, { cpu: numberOf(cpu), memory: numberOf(memory) }]))
      return (used.get('burner')?.cpu ?? 0) >= 50 && (used.get('holder')?.memory ?? 0) >= 140
    },
    'both to be seen',
    60_000,
  )

  for (const program of kubectls()) await t.test(program, (t) => topOf(t, program))

  await t.test('the pages of a node', async (t) => {
    const page = (path: string): Promise<string> => kubectl('get', '--raw', `/api/v1/nodes/node1/proxy/${path}`)
    const summary = JSON.parse(await page('stats/summary'))
    t.match(summary.node, { nodeName: 'node1', fs: { capacityBytes: Number }, network: { rxBytes: Number } })
    const burner = summary.pods.find(({ podRef }: { podRef: { name: string } }) => podRef.name === 'burner')
    t.match(burner, {
      containers: [{ name: 'main', logs: { usedBytes: 0 }, cpu: { usageNanoCores: Number } }],
      network: { name: 'eth0', rxBytes: Number },
    })
    t.match(
      await page('metrics/resource'),
      /^container_cpu_usage_seconds_total\{container="main",namespace="default",pod="burner"\} /m,
    )
    t.match(
      await page('metrics/cadvisor'),
      /^container_network_receive_bytes_total\{.*pod="burner",interface="eth0"\} \d/m,
    )
    t.match(await page('metrics'), /^kubelet_running_pods [1-9]/m)
    t.match(await page('pods'), /"kind":"PodList".*"burner"/)
    t.match(JSON.parse(await page('configz')), { kubeletconfig: { clusterDomain: 'cluster.local', maxPods: 110 } })
    await t.rejects(page('metrics/nothing'), /NotFound|could not find/)
  })

  await t.test('the parts of the control plane', async (t) => {
    const rows = rowsOf(await kubectl('get', 'componentstatuses'))
    t.strictSame(rows.map(([name, status]) => [name, status]).toSorted(), [
      ['controller-manager', 'Healthy'],
      ['etcd-0', 'Healthy'],
      ['scheduler', 'Healthy'],
    ])
  })

  await kubectl('delete', 'pod', 'burner', 'holder', '--now')
}
