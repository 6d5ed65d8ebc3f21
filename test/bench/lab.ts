/**
 * What people wait for, and what stays: a lab of three nodes, the demo's first answer, 30 pods, resident memory.
 *   node_modules/.bin/node test/bench/lab.ts [RUNS=3]
 * Everything happens in a lab of its own name, which goes away at the end. Medians of the runs.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createCommandRunner } from '../../src/host/command.ts'
import { residentBytes } from '../../src/host/process.ts'
import { until } from '../support/until.ts'
import { sized } from './support/size.ts'

const root = join(import.meta.dirname, '../..')
const runs = Number(process.argv[2] ?? sized(3, 1))
const name = 'bench'
const runner = createCommandRunner()
const home = await mkdtemp(join(tmpdir(), 'pw-'))
process.env['PODWAY_HOME'] = home

const podway = (...args: readonly string[]): Promise<string> => runner.run(join(root, 'podway'), args)
const kubeconfig = join(home, 'labs', name, 'kubeconfig')
const kubectl = (...args: readonly string[]): Promise<string> =>
  runner.run('kubectl', ['--kubeconfig', kubeconfig, ...args])

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** From `kubectl apply` to the first answer through the NodePort of a node, as a client outside gets it. */
const firstAnswer = async (): Promise<void> => {
  // The client asks from the start: otherwise its own start would be measured, too.
  const asking = podway(
    ...['lab', 'exec', '--name', name, 'client', '--', 'podway', 'fetch', 'http://172.30.0.12:30080/'],
    ...['--until-answered', '--timeout', '1'],
  )
  await kubectl('apply', '-f', join(root, 'examples/demo.yaml'))
  await asking
}

/** Beside the three of the demo. */
const morePods = sized(30, 2)
const podsAtEnd = 3 + morePods

const scaleUp = async (): Promise<void> => {
  await kubectl('scale', 'deployment/web', `--replicas=${podsAtEnd}`)
  await until(
    async () => {
      const status = await kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}')
      return status === String(podsAtEnd)
    },
    `${podsAtEnd} ready pods`,
    60_000,
  )
}

interface Host {
  readonly role: string
  readonly daemon?: { readonly pid?: number }
}

/** In MB: the control plane, and the largest of the agents. */
const residentMemory = async (): Promise<readonly [number, number]> => {
  const { hosts } = JSON.parse(await podway('lab', 'status', '--name', name, '-o', 'json')) as {
    hosts: readonly Host[]
  }
  const of = async (role: string): Promise<number> => {
    const pids = hosts.filter((host) => host.role === role).flatMap(({ daemon }) => daemon?.pid ?? [])
    return Math.max(...(await Promise.all(pids.map(async (pid) => (await residentBytes(pid)) ?? 0)))) / 1e6
  }
  return [await of('control'), await of('node')]
}

/** Long enough for the garbage of the start to be collected. */
const settleMs = sized(15_000, 100)

const figures = {
  nodes: [] as number[],
  answer: [] as number[],
  pods: [] as number[],
  control: [] as number[],
  agent: [] as number[],
}
try {
  for (let run = 0; run < runs; run++) {
    figures.nodes.push(await timed(() => podway('lab', 'up', '--name', name)))
    figures.answer.push(await timed(firstAnswer))
    await pause(settleMs)
    const [control, agent] = await residentMemory()
    figures.control.push(control)
    figures.agent.push(agent)
    figures.pods.push(await timed(scaleUp))
    await podway('lab', 'down', '--name', name)
  }
} finally {
  await podway('lab', 'down', '--name', name).catch(() => undefined)
  await rm(home, { recursive: true, force: true })
}

const rows = [
  ['lab up: 3 nodes Ready', median(figures.nodes), 6, 's'],
  ['kubectl apply to the first 200 through NodePort', median(figures.answer), 3, 's'],
  [`${morePods} more pods Ready`, median(figures.pods), 8, 's'],
  ['resident memory of the control plane', median(figures.control), 90, 'MB'],
  ['resident memory of an agent', median(figures.agent), 90, 'MB'],
] as const
for (const [what, measured, aim, unit] of rows)
  console.log(
    `${what.padEnd(50)} ${measured.toFixed(1).padStart(7)} ${unit}   aim ${aim} ${unit}${measured > aim ? '   missed' : ''}`,
  )
