/**
 * The part of a lab that is outside of it: starts the universe, holds the listeners on 127.0.0.1, and when the universe
 * is gone, however that came, removes what it had on disk and ends too.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep } from '../api/clock.ts'
import { removeCgroups } from '../host/cgroup.ts'
import { writeFileAtomic } from '../host/files.ts'
import { childrenOf, identify, type ProcessId, signalProcess } from '../host/process.ts'
import { printError } from '../host/terminal.ts'
import { keepLogs } from './logs.ts'
import { apiPort, cgroupPrefix, controlHost, type LabPaths, type LabPlan } from './plan.ts'
import { relayFromPort } from './relay.ts'
import type { LabRecord } from './state.ts'

export interface KeeperOptions {
  readonly plan: LabPlan
  readonly paths: LabPaths
  readonly podway: readonly string[]
}

const init = fileURLToPath(new URL('./init.sh', import.meta.url))

/**
 * `unshare` for a lab: pid, mount and network namespaces, and a user namespace for callers who are not root. It dies with
 * us (--pdeathsig), and its child, pid 1 of the lab, dies with it (--kill-child).
 */
export const universeCommand = (rootless: boolean, command: readonly string[]): readonly [string, ...string[]] => [
  ...(['setpriv', '--pdeathsig', 'KILL', 'unshare'] as const),
  ...(rootless ? ['--user', '--map-root-user'] : []),
  ...['--net', '--mount', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
  ...[
    'sh',
    '-c',
    'mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/netns && ip link set lo up && exec sh "$@"',
    'sh',
  ],
  ...[init, '-', ...command],
]

const identityOf = async (pid: number): Promise<ProcessId> => {
  const id = await identify(pid)
  if (!id) throw new Error(`process ${pid} is gone`)
  return id
}

/** Pid 1 of the lab, once unshare has made it. */
const firstChild = async (pid: number | undefined): Promise<ProcessId | undefined> => {
  if (pid === undefined) return undefined
  for (;;) {
    const [child] = await childrenOf(pid)
    if (child !== undefined) return identify(child)
    if (!(await identify(pid))) return undefined
    await sleep(5)
  }
}

/** Runs for as long as the lab does. */
export const runKeeper = async ({ plan, paths, podway }: KeeperOptions): Promise<void> => {
  await mkdir(join(paths.folder, 's'), { recursive: true, mode: 0o700 })
  const record: LabRecord = {
    name: plan.name,
    keeper: await identityOf(process.pid),
    rootless: process.getuid?.() !== 0,
    kubeconfig: paths.kubeconfig,
    cgroups: await readFile('/proc/self/cgroup', 'utf8'),
    published: [],
  }
  const tell = (more: Partial<LabRecord>): Promise<void> =>
    writeFileAtomic(paths.state, JSON.stringify({ ...record, ...more }, undefined, 2))
  await tell({})
  try {
    // The ports first: when one is taken there is nothing to take back.
    const api = await relayFromPort(0, paths.socketOf(controlHost, apiPort))
    const published = await publish(plan, paths)
    const command = [...podway, 'lab', 'universe', '--plan', paths.plan, '--api-port', String(api)]
    const [file, ...args] = universeCommand(record.rootless, command)
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true })
    const exited = once(child, 'exit')
    let isAsked = false
    const end = (): void => {
      isAsked = true
      if (child.pid !== undefined) signalProcess(child.pid, 'SIGKILL')
    }
    process.once('SIGTERM', end).once('SIGINT', end)
    const universe = await Promise.race([firstChild(child.pid), exited.then(() => undefined)])
    await tell({ published, ...(universe ? { universe } : {}) })
    const [code, signal] = await exited
    if (!isAsked) throw new Error(`the universe has ended by itself (${signal ?? `exit code ${code}`})`)
  } catch (error) {
    printError(`podway: lab ${plan.name} has failed: ${error instanceof Error ? error.message : String(error)}`)
    await keepLogs(paths)
  } finally {
    await removeCgroups(cgroupPrefix(paths))
    await rm(paths.folder, { recursive: true, force: true })
  }
  // The listeners would keep us.
  process.exit()
}

/** The listeners on 127.0.0.1 that were asked for. */
const publish = async (plan: LabPlan, paths: LabPaths): Promise<LabRecord['published']> => {
  const published: LabRecord['published'][number][] = []
  for (const { hostPort, lab } of plan.publish) {
    const port = await relayFromPort(hostPort, paths.socketOf(lab.host, lab.port))
    published.push({ port, host: lab.host, to: lab.port })
  }
  return published
}
