/** Control planes and simulated nodes, each in a process of its own on 127.0.0.1, and what they have cost. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, createClient } from '../../../src/api/client.ts'
import { createHttpTransport } from '../../../src/api/http-transport.ts'
import { nodes } from '../../../src/api/resources.ts'
import { residentBytes } from '../../../src/host/process.ts'
import { cpuSecondsOf } from '../../support/cpu-time.ts'
import { podway } from '../api/server.ts'
import { sized } from '../support/size.ts'
import { startPlanes } from './planes.ts'

/** For so long a busy machine may take for anything. */
const patienceMs = 900_000
/** Seldom enough that the questions cost nothing beside what is measured. */
const lookMs = sized(250, 20)

/** Resolves when `condition` holds; throws, naming `what`, when it never does. */
export const reached = async (condition: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const deadline = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await pause(lookMs)
  }
}

export interface Cost {
  readonly seconds: number
  /** Of processor time, while it lasted; etcd's is the control plane's. */
  readonly controlCpu: number
  readonly nodesCpu: number
}

export interface Cluster {
  readonly client: Client
  /** What `work` takes, until its promise resolves. */
  cost(work: () => Promise<unknown>): Promise<Cost>
  controlBytes(): Promise<number>
  nodesBytes(): Promise<number>
  stop(): Promise<void>
}

/** For a thousand nodes and more, with the kubelet's times. */
const controlOptions = ['--pod-cidr', '10.128.0.0/9', '--service-cidr', '10.96.0.0/12', '--node-grace', '40']

const areReady = async (client: Client, count: number): Promise<boolean> => {
  const { items } = await client.list(nodes)
  const isUsable = ({ spec, status }: (typeof items)[number]): boolean =>
    (spec?.taints ?? []).length === 0 &&
    (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
  return items.length === count && items.every(isUsable)
}

/** All nodes are Ready, and how long that took them. They ask the first control plane, and the client the last. */
export const startCluster = async (
  count: number,
  planeCount = 1,
): Promise<{ readonly cluster: Cluster; readonly nodesReady: Cost }> => {
  const planes = await startPlanes(planeCount, controlOptions)
  const transport = createHttpTransport(planes.connection)
  const client = createClient(transport)
  const options = ['--nodes', String(count), '--lease-period', '10', '--kubeconfig', planes.kubeconfigs[0] ?? '']
  const child = spawn(podway, ['simulate', ...options], { stdio: ['ignore', 'ignore', 'inherit'] })
  const pid = child.pid ?? 0
  const cluster: Cluster = {
    client,
    cost: async (work) => {
      const [began, controlBefore, nodesBefore] = [performance.now(), planes.cpuSeconds(), cpuSecondsOf(pid)]
      await work()
      return {
        seconds: (performance.now() - began) / 1000,
        controlCpu: planes.cpuSeconds() - controlBefore,
        nodesCpu: cpuSecondsOf(pid) - nodesBefore,
      }
    },
    controlBytes: planes.resident,
    nodesBytes: async () => (await residentBytes(pid)) ?? 0,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        await ended
      }
      await transport.close()
      await planes.stop()
    },
  }
  try {
    const ready = () => reached(() => areReady(client, count), 'all nodes to be Ready')
    return { cluster, nodesReady: await cluster.cost(ready) }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
