/** Starting and ending labs, from outside. */

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createClient } from '../api/client.ts'
import { sleep } from '../api/clock.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { readKubeconfig } from '../api/kubeconfig.ts'
import { nodes } from '../api/resources.ts'
import type { Node } from '../api/types/index.ts'
import { removeCgroups } from '../host/cgroup.ts'
import { counted } from '../host/counted.ts'
import { DamagedFile, jsonOf, readOrRefuse } from '../host/durable-file.ts'
import { writeFileAtomic } from '../host/files.ts'
import { identify, isRunning, type ProcessId, signalProcess } from '../host/process.ts'
import { printError } from '../host/terminal.ts'
import { keepLogs, lastWords } from './logs.ts'
import { cgroupPrefix, type LabPaths, type LabPlan } from './plan.ts'
import { checkPort } from './relay.ts'
import { type Report, sendOrder } from './rpc.ts'
import { type LabRecord, labCure, readLab, readRecord } from './state.ts'

/** What the universe and the keeper are told, as a file. */
export interface LabOrders {
  readonly plan: LabPlan
  /** The folder under which labs live. */
  readonly home: string
}

const isOrders = (value: unknown): value is LabOrders =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as LabOrders).home === 'string' &&
  typeof (value as LabOrders).plan?.name === 'string' &&
  Array.isArray((value as LabOrders).plan.hosts)

/** Throws `DamagedFile`, also when there is no such file. */
export const readOrders = async (file: string): Promise<LabOrders> => {
  const cure = labCure(basename(dirname(file)))
  const orders = await readOrRefuse(file, jsonOf('the plan of a lab', isOrders), cure)
  if (!orders) throw new DamagedFile(file, 'is gone', cure)
  return orders
}

/** Throws when what the plan publishes cannot be: before anything is made. */
export const checkPublications = async ({ publish }: LabPlan): Promise<void> => {
  for (const { hostPort } of publish) await checkPort(hostPort)
}

/** Makes the folder of a new lab; whatever is there belongs to a lab that is no more. Throws when another one is starting. */
export const makeFolder = async (paths: LabPaths): Promise<void> => {
  for (const folder of [paths.folder, paths.failedLogs]) await rm(folder, { recursive: true, force: true })
  await mkdir(dirname(paths.folder), { recursive: true, mode: 0o700 })
  try {
    await mkdir(paths.folder, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Error(`lab ${basename(paths.folder)} is being started by another command`)
  }
  await mkdir(paths.logs, { mode: 0o700 })
}

/**
 * Starts the keeper of a new lab, detached, in a folder that is made for it. Its output, and the universe's, is in the lab's log folder. Makes nothing once
 * `signal` is aborted, and tells of the keeper before anything else can happen.
 */
export const startKeeper = async (
  orders: LabOrders,
  paths: LabPaths,
  podway: readonly string[],
  signal: AbortSignal,
  onKeeper: (pid: number) => void,
): Promise<void> => {
  await writeFileAtomic(paths.plan, JSON.stringify(orders, undefined, 2))
  const output = openSync(join(paths.logs, 'lab.log'), 'a')
  try {
    signal.throwIfAborted()
    const [file = '', ...args] = [...podway, ...keeperWords(paths)]
    const keeper = spawn(file, args, { detached: true, stdio: ['ignore', output, output], cwd: '/' })
    keeper.once('error', (error) => printError(`cannot start ${file}: ${error.message}`))
    if (keeper.pid !== undefined) onKeeper(keeper.pid)
    keeper.unref()
  } finally {
    closeSync(output)
  }
}

const keeperWords = ({ plan }: Pick<LabPaths, 'plan'>): readonly string[] => ['lab', 'keep', '--plan', plan]

const pollMs = 40

/** Polls until `look` finds something. Throws with `what` and the end of the lab's log when the lab dies or time is over. */
const waitFor = async <T>(
  paths: LabPaths,
  { deadline, isAlive, signal }: Waiting,
  what: string,
  look: () => Promise<T | undefined>,
): Promise<T> => {
  for (;;) {
    const alive = await isAlive()
    const found = await look()
    if (found !== undefined) return found
    signal.throwIfAborted()
    if (!alive) throw new Error(`the lab ended while waiting for ${what}`)
    if (Date.now() > deadline)
      throw new StillStarting(
        `waited too long for ${what}; the lab goes on starting, and podway lab status --name ${basename(paths.folder)} says what it waits for; ${await lastWords(paths)}`,
      )
    await sleep(pollMs)
  }
}

interface Waiting {
  readonly deadline: number
  /** Whether the keeper runs. */
  readonly isAlive: () => Promise<boolean>
  readonly signal: AbortSignal
}

/** The lab is slow, and goes on starting. */
export class StillStarting extends Error {
  override readonly name = 'StillStarting'
}

/** The lab's own account of itself, or undefined while nobody answers. */
export const askLab = async (paths: LabPaths): Promise<Report | undefined> => {
  try {
    return await sendOrder(paths.command, { do: 'status' })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code) || error instanceof SyntaxError)
      return undefined
    throw error
  }
}

/** The same. Throws what went wrong with the lab. */
const labReport = async (paths: LabPaths): Promise<Report | undefined> => {
  const report = await askLab(paths)
  if (report?.phase === 'failed') throw new Error(`the lab could not be started: ${report.problem}`)
  return report
}

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false

export interface UpListener {
  readonly universe: () => void
  readonly control: () => void
  readonly nodes: (ready: number) => void
}

export interface WaitOptions {
  readonly timeoutMs: number
  /** Of the keeper; undefined: the lab was up before. */
  readonly keeper: number | undefined
  readonly signal: AbortSignal
}

/**
 * Waits until the control plane answers and all nodes are Ready, telling the listener at every step. Throws `StillStarting` when
 * that takes too long; any other error means that the lab is of no use.
 */
export const waitUntilUp = async (
  paths: LabPaths,
  plan: LabPlan,
  { timeoutMs, keeper, signal }: WaitOptions,
  on: UpListener,
): Promise<LabRecord> => {
  const isAlive = async (): Promise<boolean> =>
    keeper === undefined ? (await readLab(paths)) !== undefined : (await identify(keeper)) !== undefined
  const waiting = { deadline: Date.now() + timeoutMs, isAlive, signal }
  await waitFor(paths, waiting, 'the universe', async () => ((await labReport(paths)) ? true : undefined))
  on.universe()
  const connection = await waitFor(paths, waiting, 'the control plane', async () => {
    await labReport(paths)
    return existsSync(paths.kubeconfig) ? readKubeconfig(paths.kubeconfig) : undefined
  })
  on.control()
  const transport = createHttpTransport(connection)
  try {
    const client = createClient(transport)
    const what = `${counted(plan.nodes, 'node')} to be Ready`
    await waitFor(paths, waiting, what, async () => {
      const report = await labReport(paths)
      // An API that does not answer yet is what is waited for, too.
      const list = await client.list(nodes, {}, signal).catch(() => undefined)
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

const politeMs = 15_000
const killMs = 5_000

/** Processes of a lab by their command lines: for when its state is lost. */
const findProcesses = async ({
  plan,
}: LabPaths): Promise<readonly { readonly pid: number; readonly keeps: boolean }[]> => {
  const found: { pid: number; keeps: boolean }[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const words = (await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(unlessGone))?.split('\0') ?? []
    const at = words.indexOf('lab')
    const isOfLab = words[at + 2] === '--plan' && words[at + 3] === plan
    if (at >= 0 && isOfLab) found.push({ pid: Number(entry), keeps: words[at + 1] === 'keep' })
  }
  return found
}

const unlessGone = (error: unknown): undefined => {
  if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
  throw error
}

/** Signals processes and waits until they are gone; false when time is over. */
const endProcesses = async (ids: readonly ProcessId[], signal: NodeJS.Signals, timeoutMs: number): Promise<boolean> => {
  for (const id of ids) if (await isRunning(id)) signalProcess(id.pid, signal)
  for (const deadline = Date.now() + timeoutMs; ; await sleep(pollMs)) {
    const running = await Promise.all(ids.map(isRunning))
    if (!running.includes(true)) return true
    if (Date.now() > deadline) return false
  }
}

const identifyAll = async (pids: readonly number[]): Promise<readonly ProcessId[]> =>
  (await Promise.all([...new Set(pids)].map(identify))).filter((id) => id !== undefined)

/** What `endLab` found: a lab that ran, what was left of one, or nothing. */
export type Ended = 'ended' | 'remains' | 'nothing'

/**
 * Ends a lab and waits until nothing of it is left: processes, control groups, files. Safe to repeat, and after the keeper or
 * the state were lost. With `failed` the logs are kept.
 */
export const endLab = async (
  paths: LabPaths,
  { keeper, failed = false }: { readonly keeper?: number | undefined; readonly failed?: boolean } = {},
): Promise<Ended> => {
  const read = await readRecord(paths)
  const record = read.state === 'read' ? read.value : undefined
  if (failed) await keepLogs(paths)
  const processes = await findProcesses(paths)
  const known = record && (await isRunning(record.keeper)) ? [record.keeper.pid] : []
  const keepers = await identifyAll([
    ...known,
    ...(keeper === undefined ? [] : [keeper]),
    ...processes.flatMap(({ pid, keeps }) => (keeps ? [pid] : [])),
  ])
  // A keeper that is asked tidies up by itself.
  if (!(await endProcesses(keepers, 'SIGTERM', politeMs))) await endProcesses(keepers, 'SIGKILL', killMs)
  const rest = await identifyAll((await findProcesses(paths)).map(({ pid }) => pid))
  const universe = record?.universe && (await isRunning(record.universe)) ? [record.universe] : []
  const others = [...universe, ...rest]
  if (!(await endProcesses(others, 'SIGKILL', killMs)))
    throw new Error(`processes of lab ${basename(paths.folder)} do not end: ${others.map(({ pid }) => pid).join(', ')}`)
  const hadFiles = existsSync(paths.folder)
  await removeCgroups(cgroupPrefix(paths), record ? { self: record.cgroups } : {})
  await rm(paths.folder, { recursive: true, force: true })
  if (!failed) await rm(paths.failedLogs, { recursive: true, force: true })
  if (keepers.length > 0) return 'ended'
  return others.length > 0 || hadFiles ? 'remains' : 'nothing'
}
