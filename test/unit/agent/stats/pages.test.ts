/** The kubelet's pages about usage, in the forms that dashboards, metrics-server and people read. */
import t, { type Test } from 'tap'
import { exposition } from '../../../../src/agent/stats/exposition.ts'
import { createNodeStats } from '../../../../src/agent/stats/node-stats.ts'
import type { Usage } from '../../../../src/agent/usage/usage.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { Pod } from '../../../../src/api/types/index.ts'
import { readSummary } from '../../../../src/control/metrics/summary.ts'
import { type CommandRunner, createCommandRunner } from '../../../../src/host/command.ts'
import { silentLogger } from '../../../../src/host/log.ts'

const usage = (cpuNanoseconds: number, bytes: number): Usage => ({
  ...{ cpuNanoseconds, processes: 2 },
  memory: { usageBytes: 4 * bytes, workingSetBytes: 2 * bytes, rssBytes: bytes, pageFaults: 5, majorPageFaults: 1 },
})

const hostile = 'i"m\\age\nkubelet_node_name{node="x"} 9'

const pod: Pod = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop', uid: 'u1' } },
  spec: {
    containers: [
      {
        ...{ name: 'main', image: hostile },
        resources: { limits: { cpu: '500m', memory: '1Mi' }, requests: { cpu: '250m', memory: '512Ki' } },
      },
      { name: 'side', image: 'img' },
    ],
  },
  status: { phase: 'Running', startTime: '2026-01-01T00:00:00Z' },
}

const open = (t: Test, runner: Pick<CommandRunner, 'run'> = createCommandRunner()) => {
  const clock = createFakeClock()
  const record = (name: string, more: object = {}) => ({
    ...{ id: `u1_${name}_0`, name, attempt: 0, logFile: `${folder}/${name}.log`, labels: {}, ...more },
    startedAt: clock.now() - 10_000,
  })
  const volumes = { u1: { data: { file: 'y'.repeat(5_000) }, '.notes': { data: 'z' } } }
  const folder = t.testdir({ 'main.log': 'x'.repeat(10_000), volumes })
  const ended = { code: 0, oomKilled: false, finishedAt: 0 }
  const sandboxes = [
    {
      ...{ id: 'u1', namespace: 'shop', name: 'web', runtime: 'fake', hostNetwork: false, labels: {}, running: true },
      ...{ pid: process.pid, containers: [record('main'), record('old', { exit: ended }), record('side')] },
    },
    {
      ...{ id: 'u2', namespace: 'shop', name: 'gone', runtime: 'fake', hostNetwork: true, labels: {}, running: false },
      ...{ pid: 0, containers: [] },
    },
  ]
  const stats = createNodeStats({
    ...{ nodeName: 'node-a', version: '0.1.0', dataDir: folder, log: silentLogger, clock },
    runner,
    host: {
      ...{ cpus: 4, memoryBytes: 8 * 2 ** 30 },
      info: {
        ...{ machineID: '', systemUUID: '', bootID: '', kernelVersion: '6.1', osImage: 'Debian' },
        ...{ operatingSystem: 'linux', architecture: 'amd64' },
      },
    },
    agent: {
      podOf: (uid) => (uid === 'u1' ? pod : undefined),
      volumesOf: (uid) => [`${folder}/volumes/${uid}`],
      runtimes: {
        sandboxes: { list: async () => sandboxes },
        stats: {
          writableOf: () => undefined,
          read: async () =>
            new Map([
              ['u1_main_0', usage(5e9, 1000)],
              ['u1_side_0', usage(1e9, 100)],
            ]),
        },
      },
    },
  })
  const ask = async (path: string, query = ''): Promise<string> => {
    const answer = await stats.pages[path]?.(new URLSearchParams(query))
    t.equal(answer?.status, 200)
    return String(answer?.body)
  }
  return { stats, ask, clock }
}

t.test('a summary of CPU and memory is what the control plane reads', async (t) => {
  const { ask } = open(t)
  const text = await ask('stats/summary', 'only_cpu_and_memory=true')
  const { node, pods } = readSummary(JSON.parse(text))
  t.equal(node, undefined, 'the machine has run for longer than we have looked')
  t.strictSame([...pods.keys()], ['shop/web'])
  const at = Date.parse('2026-01-01T00:00:00Z')
  t.strictSame(
    [...(pods.get('shop/web') ?? [])],
    [
      ['main', { nanoCores: 500_000_000, workingSetBytes: 2000, at, windowSeconds: 10 }],
      ['side', { nanoCores: 100_000_000, workingSetBytes: 200, at, windowSeconds: 10 }],
    ],
  )
  t.notMatch(text, /rootfs|rxBytes|volume/)
})

t.test('a whole summary has networks, disks and volumes, too', async (t) => {
  const { ask } = open(t)
  const { node, pods } = JSON.parse(await ask('stats/summary'))
  t.match(node, {
    nodeName: 'node-a',
    memory: { workingSetBytes: Number, availableBytes: Number },
    systemContainers: [{ name: 'kubelet', memory: { rssBytes: Number } }],
    fs: { capacityBytes: Number, inodesUsed: Number },
    rlimit: { maxpid: Number, curproc: Number },
  })
  t.ok(node.memory.workingSetBytes > 0 && node.memory.availableBytes >= 0 && node.cpu.usageCoreNanoSeconds > 0)
  t.ok(Date.parse(node.startTime) < Date.now())
  const [web] = pods
  t.equal(pods.length, 1)
  t.match(web, {
    podRef: { name: 'web', namespace: 'shop', uid: 'u1' },
    startTime: '2026-01-01T00:00:00Z',
    cpu: { usageNanoCores: 600_000_000, usageCoreNanoSeconds: 6e9 },
    memory: { workingSetBytes: 2200, rssBytes: 1100, usageBytes: 4400, pageFaults: 10, majorPageFaults: 2 },
    containers: [
      { name: 'main', memory: { availableBytes: 2 ** 20 - 2000 }, logs: { usedBytes: Number } },
      { name: 'side', logs: { usedBytes: 0 } },
    ],
    volume: [{ name: 'data', usedBytes: Number, inodesUsed: 2 }],
    process_stats: { process_count: 4 },
  })
  t.equal(web.volume.length, 1)
  const logged = web.containers[0].logs.usedBytes
  t.ok(logged >= 10_000, String(logged))
  t.ok(web.volume[0].usedBytes >= 5_000)
  t.equal(web['ephemeral-storage'].usedBytes, logged + web.volume[0].usedBytes)
  t.equal(web.containers[1].memory.availableBytes, undefined, 'without a limit')
})

t.test('a pod whose volumes cannot be measured hides nothing else', async (t) => {
  const { ask } = open(t, { run: () => Promise.reject(new Error('du takes too long')) })
  const { node, pods } = JSON.parse(await ask('stats/summary'))
  t.match(node, { fs: { capacityBytes: Number } })
  t.ok(pods[0].containers[0].logs.usedBytes >= 10_000)
  t.same(pods[0].volume, [])
})

t.test('metrics of resources, each at its time', async (t) => {
  const { ask, clock } = open(t)
  const text = await ask('metrics/resource')
  const at = clock.now()
  for (const line of [
    '# TYPE container_cpu_usage_seconds_total counter',
    `container_cpu_usage_seconds_total{container="main",namespace="shop",pod="web"} 5 ${at}`,
    `container_memory_working_set_bytes{container="side",namespace="shop",pod="web"} 200 ${at}`,
    `container_start_time_seconds{container="main",namespace="shop",pod="web"} ${(at - 10_000) / 1000} ${at}`,
    `pod_cpu_usage_seconds_total{namespace="shop",pod="web"} 6 ${at}`,
    `pod_memory_working_set_bytes{namespace="shop",pod="web"} 2200 ${at}`,
    'scrape_error 0',
    'resource_scrape_error 0',
  ])
    t.ok(text.split('\n').includes(line), line)
  t.match(text, /^node_cpu_usage_seconds_total [\d.]+ \d+$/m)
  t.match(text, /^node_memory_working_set_bytes \d+ \d+$/m)
})

t.test("dashboards' metrics, whatever an image is called", async (t) => {
  const { ask, clock } = open(t)
  const text = await ask('metrics/cadvisor')
  const at = clock.now()
  const image = '"i\\"m\\\\age\\nkubelet_node_name{node=\\"x\\"} 9"'
  const main = `container="main",id="/kubepods/podu1/u1_main_0",image=${image},name="u1_main_0",namespace="shop",pod="web"`
  const lines = text.split('\n')
  for (const line of [
    `container_cpu_usage_seconds_total{${main},cpu="total"} 5 ${at}`,
    `container_memory_working_set_bytes{${main}} 2000 ${at}`,
    `container_memory_rss{${main}} 1000 ${at}`,
    `container_memory_failures_total{${main},failure_type="pgmajfault",scope="container"} 1 ${at}`,
    `container_spec_cpu_quota{${main}} 50000 ${at}`,
    `container_spec_cpu_shares{${main}} 256 ${at}`,
    `container_spec_memory_limit_bytes{${main}} 1048576 ${at}`,
    `container_memory_rss{container="",id="/kubepods/podu1",image="",name="",namespace="shop",pod="web"} 1100 ${at}`,
    'machine_cpu_cores 4',
    'machine_memory_bytes 8589934592',
  ])
    t.ok(lines.includes(line), line)
  t.match(text, /^container_memory_rss\{container="",id="\/",image=""/m, 'the node')
  t.notMatch(text, /^kubelet_node_name/m)
  t.notMatch(text, /container_spec_cpu_quota\{container="side"/, 'without a limit')
  for (const line of lines) t.match(line, /^(#.*|[a-z_]+(\{([a-zA-Z_]+="([^"\\\n]|\\.)*",?)+\})? [-+.e\d]+( \d+)?|)$/)
})

t.test("the agent's own metrics", async (t) => {
  const { stats, ask } = open(t)
  const answer = stats.counted(async () => ({ status: 200, type: 'text/plain', body: '' }))
  const { signal } = new AbortController()
  for (const url of ['/metrics/cadvisor', '/pods?x=1', '/made/up', '/containerLogs/a/b/c?follow=true', '//evil'])
    await answer({ method: 'GET', url, signal })
  const text = await ask('metrics')
  for (const line of [
    'kubelet_node_name{node="node-a"} 1',
    'kubelet_running_pods 1',
    'kubelet_running_containers{container_state="running"} 2',
    'kubelet_running_containers{container_state="exited"} 1',
    'kubelet_http_requests_total{method="GET",path="metrics",server_type="readwrite",long_running="false"} 1',
    'kubelet_http_requests_total{method="GET",path="containerLogs",server_type="readwrite",long_running="true"} 1',
    'kubelet_http_requests_total{method="GET",path="other",server_type="readwrite",long_running="false"} 2',
  ])
    t.ok(text.split('\n').includes(line), line)
  t.match(text, /^kubernetes_build_info\{git_version="v1\./m)
  t.match(text, /^process_resident_memory_bytes \d+/m)
})

t.test('families without series are left out', async (t) => {
  const family = { name: 'a', help: 'b', type: 'gauge' } as const
  t.equal(
    exposition([
      { ...family, series: [] },
      { ...family, series: [{ value: 1 }] },
    ]),
    '# HELP a b\n# TYPE a gauge\na 1\n',
  )
})
