/** Running commands on a lab's hosts from the machine outside. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import type { LabPaths } from './plan.ts'
import { clientHost } from './plan.ts'
import { sendOrder } from './rpc.ts'
import type { LabRecord } from './state.ts'

/** nsenter stays outside of the pid namespace and waits: what it started is to end with it. */
const endsWithParent = ['setpriv', '--pdeathsig', 'TERM', '--']

/** The words in front of a command that is to run on `host`. Throws when there is no such host, or it was killed. */
export const enterHost = async (
  record: LabRecord,
  paths: LabPaths,
  host = clientHost,
): Promise<readonly [string, ...string[]]> => {
  const { hosts } = await sendOrder(paths.command, { do: 'status' })
  const found = hosts.find(({ name }) => name === host)
  if (!found)
    throw new Error(`lab ${record.name} has no host ${host}; it has ${hosts.map(({ name }) => name).join(', ')}`)
  if (found.pid === undefined)
    throw new Error(`${host} was killed; bring it back with: podway lab revive ${host} --name ${record.name}`)
  if (!record.universe) throw new Error(`lab ${record.name} is still starting`)
  // First into the lab, whose /proc knows the host's pid, then into the host.
  return [
    ...(['setpriv', '--pdeathsig', 'TERM', '--', 'nsenter', '--target', String(record.universe.pid)] as const),
    ...(record.rootless ? ['--user', '--preserve-credentials'] : []),
    ...['--mount', '--pid', '--', ...endsWithParent],
    ...[
      'nsenter',
      '--target',
      String(found.pid),
      '--net',
      '--mount',
      '--uts',
      '--ipc',
      '--pid',
      '--',
      ...endsWithParent,
    ],
  ]
}

/** The machine's pids for the pids that processes of the lab have inside of it. */
export const outerPids = async (universe: number): Promise<ReadonlyMap<number, number>> => {
  const pids = new Map<number, number>()
  const labNamespace = await readlink(`/proc/${universe}/ns/pid`)
  const depth = (text: string): readonly number[] => (/^NSpid:\s+(.*)$/m.exec(text)?.[1] ?? '').split(/\s+/).map(Number)
  const own = await readFile(`/proc/${universe}/status`, 'utf8')
  const level = depth(own).length - 1
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const text = await readFile(`/proc/${entry}/status`, 'utf8').catch(() => '')
    const inner = depth(text)[level]
    if (inner !== undefined && (await isInside(entry, labNamespace, universe))) pids.set(inner, Number(entry))
  }
  return pids
}

/** Whether a process is in the lab's pid namespace or one below: its ancestors lead to the lab's pid 1. */
const isInside = async (pid: string, labNamespace: string, universe: number): Promise<boolean> => {
  for (let at = Number(pid); at > 1; ) {
    if (at === universe) return true
    const namespace = await readlink(`/proc/${at}/ns/pid`).catch(() => '')
    if (namespace === labNamespace) return true
    const stat = await readFile(`/proc/${at}/stat`, 'utf8').catch(() => '')
    at = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0)
  }
  return false
}
