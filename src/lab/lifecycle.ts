/** Starting and ending labs, from outside. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '../api/client.ts'
import { sleep } from '../api/clock.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { readKubeconfig } from '../api/kubeconfig.ts'
import { nodes } from '../api/resources.ts'
import type { Node } from '../api/types/index.ts'
import { writeFileAtomic } from '../host/files.ts'
import { isRunning, signalProcess } from '../host/process.ts'
import type { LabPaths, LabPlan } from './plan.ts'
import { type Report, sendOrder } from './rpc.ts'
import { type LabRecord, readLab } from './state.ts'

/** What the universe and the keeper are told, as a file. */
export interface LabOrders {
  readonly plan: LabPlan
  /** The folder under which labs live. */
  readonly home: string
}

/** Starts the keeper of a new lab, detached. Its output, and the universe's, is in the lab's log folder. */
export const startKeeper = async (orders: LabOrders, paths: LabPaths, podway: readonly string[]): Promise<void> => {
  // Whatever is there belongs to a lab that is no more.
  await rm(paths.folder, { recursive: true, force: true })
  await mkdir(paths.logs, { recursive: true, mode: 0o700 })
  await writeFileAtomic(paths.plan, JSON.stringify(orders, undefined, 2))
  const output = openSync(join(paths.logs, 'lab.log'), 'a')
  const [file = '', ...args] = [...podway, 'lab', 'keep', '--plan', paths.plan]
  const keeper = spawn(file, args, { detached: true, stdio: ['ignore', output, output], cwd: '/' })
  keeper.unref()
  closeSync(output)
}

const lastLines = async (file: string, count = 5): Promise<string> => {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-count).join('\n')
}

const pollMs = 40

/** Polls until `look` finds something. Throws with `what` and the end of the lab's log when the lab dies or time is over. */
const waitFor = async <T>(
  paths: LabPaths,
  deadline: number,
  what: string,
  look: () => Promise<T | undefined>,
): Promise<T> => {
  for (let seen = false; ; await sleep(pollMs)) {
    const found = await look()
    if (found !== undefined) return found
    const alive = (await readLab(paths)) !== undefined
    const died = seen && !alive
    seen ||= alive
    if (died || Date.now() > deadline)
      throw new Error(
        `${died ? 'the lab ended while waiting' : 'waited too long'} for ${what}; see the logs in ${paths.logs}\n${await lastLines(join(paths.logs, 'lab.log'))}`,
      )
  }
}

/** The lab's own account of itself, or undefined while nobody answers. */
export const askLab = async (paths: LabPaths): Promise<Report | undefined> => {
  try {
    return await sendOrder(paths.command, { do: 'status' })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code) || error instanceof SyntaxError)
      return undefined
    throw error
  }
}

/** The same. Throws what went wrong with the lab. */
const labReport = async (paths: LabPaths): Promise<Report | undefined> => {
  const report = await askLab(paths)
  if (report?.phase === 'failed') throw new Error(`the lab could not be started: ${report.problem}; see ${paths.logs}`)
  return report
}

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false

export interface UpListener {
  readonly universe: () => void
  readonly control: () => void
  readonly nodes: (ready: number) => void
}

/** Waits until the control plane answers and all nodes are Ready, telling the listener at every step. */
export const waitUntilUp = async (
  paths: LabPaths,
  plan: LabPlan,
  timeoutMs: number,
  on: UpListener,
): Promise<LabRecord> => {
  const deadline = Date.now() + timeoutMs
  await waitFor(paths, deadline, 'the universe', async () => ((await labReport(paths)) ? true : undefined))
  on.universe()
  const connection = await waitFor(paths, deadline, 'the control plane', async () => {
    await labReport(paths)
    return readKubeconfig(paths.kubeconfig).catch(() => undefined)
  })
  on.control()
  const transport = createHttpTransport(connection)
  try {
    const client = createClient(transport)
    await waitFor(paths, deadline, `${plan.nodes} nodes to be Ready`, async () => {
      const report = await labReport(paths)
      const list = await client.list(nodes).catch(() => undefined)
      const ready = list?.items.filter(isReady).length ?? 0
      on.nodes(ready)
      return ready >= plan.nodes && report?.phase === 'running' ? true : undefined
    })
  } finally {
    await transport.close()
  }
  const record = await readLab(paths)
  if (!record) throw new Error(`lab ${plan.name} is gone`)
  return record
}

const downTimeoutMs = 20_000

/** Ends a lab and waits until nothing of it is left. False when there was none. */
export const endLab = async (paths: LabPaths): Promise<boolean> => {
  const record = await readLab(paths)
  if (record) {
    signalProcess(record.keeper.pid, 'SIGTERM')
    for (const deadline = Date.now() + downTimeoutMs; await isRunning(record.keeper); await sleep(pollMs))
      if (Date.now() > deadline)
        throw new Error(`lab ${record.name} does not end; its keeper is process ${record.keeper.pid}`)
  }
  await rm(paths.folder, { recursive: true, force: true })
  return record !== undefined
}
