/**
 * What a pod costs, by each runtime of a node: until it runs and is ready, one at a time and many at once; the agent's memory,
 * commands in a pod, logs, images. Beside containerd alone, by its own client, where that is installed.
 *   node_modules/.bin/node test/bench/pods/main.ts
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readKubeconfig } from '../../../src/api/kubeconfig.ts'
import { createCommandRunner } from '../../../src/host/command.ts'
import { residentBytes } from '../../../src/host/process.ts'
import { busyboxLayer } from '../../support/busybox-root.ts'
import { createCaller } from '../api/measure.ts'
import { sized } from '../support/size.ts'
import { dockerArchive, largeLayer } from './archive.ts'
import { execRoundTrip, followPods, logThroughput, type RuntimeName } from './measure.ts'

const root = join(import.meta.dirname, '../../..')
const name = 'bench'
const runner = createCommandRunner()
const home = await mkdtemp(join(tmpdir(), 'pw-'))
process.env['PODWAY_HOME'] = home
const podway = (...args: readonly string[]): Promise<string> => runner.run(join(root, 'podway'), args)

const ones = sized(20, 2)
const atOnce = sized(50, 3)
const memoryPods = sized(100, 4)
const execs = sized(20, 2)
const logBytes = sized(100_000_000, 1_000_000)
const largeBytes = sized(200_000_000, 2_000_000)

const quantile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0

const names = (word: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${word}-${n}`)

const row = (what: string, value: number | string, unit: string, aim = ''): void =>
  console.log(`| ${what} | ${typeof value === 'number' ? value.toPrecision(3) : value} ${unit} | ${aim} |`)

const agentMemory = async (): Promise<number> => {
  const { hosts } = JSON.parse(await podway('lab', 'status', '--name', name, '-o', 'json')) as {
    readonly hosts: readonly { readonly role: string; readonly daemon?: { readonly pid?: number } }[]
  }
  const pid = hosts.find(({ role }) => role === 'node')?.daemon?.pid ?? 0
  return ((await residentBytes(pid)) ?? 0) / 1e6
}

const archive = join(home, 'busybox.tar')
const large = join(home, 'large.tar')
await writeFile(archive, dockerArchive('busybox:1', busyboxLayer(), { Cmd: ['sh'], Env: ['PATH=/bin'] }))
await writeFile(large, dockerArchive('large:1', largeLayer(largeBytes)))

/** Without its own sandbox and container nothing is said of containerd. */
const containerd = async (): Promise<number | undefined> => {
  const there = await runner.run('sh', ['-c', 'command -v containerd && command -v ctr']).catch(() => '')
  if (there === '' || process.getuid?.() !== 0) return undefined
  const node = [process.execPath, join(import.meta.dirname, 'containerd.ts')]
  // It takes longer than a program of the runner's may.
  const { stdout } = await promisify(execFile)('sh', [
    ...[join(root, 'scripts/universe.sh'), ...node],
    ...[archive, large, `${ones}`, `${atOnce}`],
  ])
  const { times, together, importRate } = JSON.parse(stdout) as {
    readonly times: readonly number[]
    readonly together: number
    readonly importRate: number
  }
  row('containerd: sandbox and container, p50', quantile(times, 0.5), 'ms')
  row('containerd: sandbox and container, p99', quantile(times, 0.99), 'ms')
  row(`containerd: ${atOnce} at once`, together / 1000, 's')
  row('containerd: image import and unpack', importRate, 'MB/s')
  return quantile(times, 0.5)
}

console.log('| | measured | aim |\n| --- | --- | --- |')
const stop = new AbortController()
try {
  await podway('lab', 'up', '--name', name, '--nodes', '1')
  await podway('image', 'import', archive, '--lab', name)
  const connection = await readKubeconfig(join(home, 'labs', name, 'kubeconfig'))
  const caller = createCaller(connection)
  try {
    const pods = await followPods(caller, stop.signal)
    await pods.create(['first'], undefined)

    const cost = async (word: string, runtime: RuntimeName, aim: string): Promise<number> => {
      const times = []
      for (const pod of names(word, ones)) times.push(...(await pods.create([pod], runtime)))
      await pods.remove(names(word, ones))
      const [running, ready] = [times.map((each) => each.running), times.map((each) => each.ready)]
      row(`${word}: created → Running, p50`, quantile(running, 0.5), 'ms')
      row(`${word}: created → Running, p99`, quantile(running, 0.99), 'ms')
      row(`${word}: created → Ready, p50`, quantile(ready, 0.5), 'ms', aim)
      row(`${word}: created → Ready, p99`, quantile(ready, 0.99), 'ms')
      const many = names(`${word}-many`, atOnce)
      const together = await pods.create(many, runtime)
      await pods.remove(many)
      row(
        `${word}: ${atOnce} at once, all Ready`,
        quantile(
          together.map((each) => each.ready),
          1,
        ) / 1000,
        's',
        '≤ 5',
      )
      return quantile(ready, 0.5)
    }
    await cost('process', 'process', '≤ 120')
    const oci = await cost('oci', undefined, '≤ 150')
    const peer = await containerd()
    if (peer !== undefined) row('oci / containerd', oci / peer, '', '≤ 0.4')

    const roundTrips: number[] = []
    for (let n = 0; n < execs; n++) roundTrips.push(await execRoundTrip(connection, 'first'))
    row('exec, there and back, p50', quantile(roundTrips, 0.5), 'ms')
    const { written, read } = await logThroughput(pods, caller, logBytes)
    row('log of a container, written', written, 'MB/s', '≥ 50')
    row('log of a container, read through the API', read, 'MB/s', '≥ 50')

    await pods.create(names('memory', memoryPods), undefined)
    row(`agent with ${memoryPods} pods more`, await agentMemory(), 'MB', '≤ 140')

    const began = performance.now()
    await podway('image', 'import', large, '--lab', name)
    const seconds = (performance.now() - began) / 1000
    row('image import and unpack', (await stat(large)).size / 1e6 / seconds, 'MB/s')
  } finally {
    stop.abort()
    await caller.close()
  }
} finally {
  await podway('lab', 'down', '--name', name).catch(() => undefined)
  await rm(home, { recursive: true, force: true })
}
