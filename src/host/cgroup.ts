/** Control groups, v1 or v2. They are made below the group we are in, so that limits on us hold for what we start. */
import type { Dirent } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { signalProcess } from './process.ts'

export interface CgroupLimits {
  readonly memoryBytes?: number
  /** Thousandths of a CPU. */
  readonly cpuMilli?: number
  readonly pids?: number
}

/** Groups by name. All verbs are safe to repeat. */
export interface Cgroups {
  /** Makes a group; a process joins it by writing `0` to `cgroup.procs` in each of the returned folders. */
  create(name: string, limits: CgroupLimits): Promise<readonly string[]>
  /**
   * The group as OCI runtime programs that we start take it (`cgroupsPath`). They make it in further hierarchies, too; those are
   * looked after here as well. In v2 it is one below: the kernel tells of what happened there when the program has removed it.
   */
  pathOf(name: string): string
  /** Its folders in all hierarchies; where nobody has made the group there is none. */
  foldersOf(name: string): readonly string[]
  /** How many processes of the group the kernel killed because memory ran out. */
  oomKills(name: string): Promise<number>
  /** Kills all members. */
  kill(name: string): Promise<void>
  /** Kills all members and removes the group. */
  destroy(name: string): Promise<void>
  /** Destroys all groups but these: what an earlier life has left. */
  retain(names: readonly string[]): Promise<void>
  /** Removes the group of all groups, once those in it are gone. */
  close(): Promise<void>
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

const readOptional = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENODEV') return ''
    throw error
  }
}

const cpuPeriodUs = 100_000
const cpuQuota = (milli: number): number => Math.max(1_000, (milli * cpuPeriodUs) / 1000)

type Setting = readonly [hierarchy: string, file: string, value: number | string]

/** Which file holds which limit. v1 has a hierarchy for each controller, v2 one for all (''). */
const settings: Readonly<Record<'v1' | 'v2', (limits: CgroupLimits) => readonly Setting[]>> = {
  v1: ({ memoryBytes, cpuMilli, pids }) => [
    ...(pids === undefined ? [] : [['pids', 'pids.max', pids] as const]),
    ...(memoryBytes === undefined ? [] : [['memory', 'memory.limit_in_bytes', memoryBytes] as const]),
    ...(cpuMilli === undefined ? [] : [['cpu', 'cpu.cfs_period_us', cpuPeriodUs] as const]),
    ...(cpuMilli === undefined ? [] : [['cpu', 'cpu.cfs_quota_us', cpuQuota(cpuMilli)] as const]),
  ],
  v2: ({ memoryBytes, cpuMilli, pids }) => [
    ...(pids === undefined ? [] : [['', 'pids.max', pids] as const]),
    ...(memoryBytes === undefined ? [] : [['', 'memory.max', memoryBytes] as const]),
    ...(memoryBytes === undefined ? [] : [['', 'memory.oom.group', 1] as const]),
    ...(cpuMilli === undefined ? [] : [['', 'cpu.max', `${cpuQuota(cpuMilli)} ${cpuPeriodUs}`] as const]),
  ],
}

/** The hierarchy where every group is made, limits or not: it tells the members. */
const memberHierarchy = { v1: 'pids', v2: '' } as const

interface Layout {
  readonly version: keyof typeof settings
  /** Hierarchy → the folder that holds our groups. */
  readonly folders: ReadonlyMap<string, string>
  /** The same in all other hierarchies, where we make none; they need not exist. */
  readonly others: readonly string[]
  /** What stands before the name of a group in `cgroupsPath`: v1 has it relative to the group of who starts the program. */
  readonly pathPrefix: string
  readonly memoryEvents: string
}

/** Our own group in each hierarchy, from /proc/self/cgroup. */
const ownPaths = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split('\n')
      .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
      .flatMap((found) => (found ? (found[1] ?? '').split(',').map((name) => [name, found[2] ?? ''] as const) : [])),
  )

/** Where a v1 or hybrid machine has a hierarchy mounted, by convention. */
const folderName = (hierarchy: string): string => (hierarchy === '' ? 'unified' : hierarchy.replace(/^name=/, ''))

/** A v2 group that shares its controllers out may hold no processes, so we move into a leaf when we are in the way. */
const shareControllers = async (folder: string): Promise<void> => {
  const share = () => writeFile(join(folder, 'cgroup.subtree_control'), '+memory +cpu +pids')
  try {
    await share()
  } catch (error) {
    if (codeOf(error) !== 'EBUSY') throw error
    const leaf = join(folder, 'podway-agent')
    await mkdir(leaf, { recursive: true })
    await writeFile(join(leaf, 'cgroup.procs'), String(process.pid))
    await share()
  }
}

const layoutOf = async (root: string, parent: string, own: ReadonlyMap<string, string>): Promise<Layout> => {
  if ((await readOptional(join(root, 'cgroup.controllers'))) !== '') {
    const home = join(root, own.get('') ?? '/')
    await shareControllers(home)
    const folder = join(home, parent)
    await mkdir(folder, { recursive: true })
    await shareControllers(folder)
    const pathPrefix = join('/', own.get('') ?? '/', parent)
    return { version: 'v2', folders: new Map([['', folder]]), others: [], pathPrefix, memoryEvents: 'memory.events' }
  }
  const folders = new Map<string, string>()
  for (const controller of ['memory', 'cpu', 'pids']) {
    const path = own.get(controller)
    if (path === undefined) throw new Error(`the controller ${controller} is missing`)
    const folder = join(root, controller, path, parent)
    await mkdir(folder, { recursive: true })
    folders.set(controller, folder)
  }
  const others = [...own]
    .filter(([hierarchy]) => !folders.has(hierarchy))
    .map(([hierarchy, path]) => join(root, folderName(hierarchy), path, parent))
  return { version: 'v1', folders, others, pathPrefix: parent, memoryEvents: 'memory.oom_control' }
}

const removeTimeoutMs = 2_000

/** A group can be removed once its last process is gone for good, which takes a moment after the kill. */
const removeFolder = async (folder: string): Promise<void> => {
  for (const deadline = Date.now() + removeTimeoutMs; ; await pause(10)) {
    try {
      return await rmdir(folder)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      if (codeOf(error) !== 'EBUSY' || Date.now() > deadline) throw error
    }
  }
}

const removeTree = async (folder: string): Promise<void> => {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(noneThere))
    if (entry.isDirectory()) await removeTree(join(folder, entry.name))
  await removeFolder(folder)
}

/** No such hierarchy on this machine, or none that we may look into: then none of our groups is there either. */
const noneThere = (error: unknown): readonly Dirent[] => {
  if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error) ?? '')) return []
  throw error
}

/** A group and all that its members have made below. */
const killTree = async (folder: string): Promise<void> => {
  const members = (await readOptional(join(folder, 'cgroup.procs'))).split('\n').filter(Boolean).map(Number)
  // 0 stands for a process of another pid namespace, which nobody here may name.
  for (const pid of members.filter((member) => member > 0)) signalProcess(pid, 'SIGKILL')
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(noneThere))
    if (entry.isDirectory()) await killTree(join(folder, entry.name))
}

export interface CgroupOptions {
  /** The group of all groups, made when needed: a relative path. It must belong to this caller alone (see `retain`). */
  readonly parent: string
  /** Where cgroup filesystems are mounted. */
  readonly root?: string
  /** The text of /proc/self/cgroup. */
  readonly self?: string
}

/** Finds the machine's control groups. Rejects with the reason when we may not make any. */
export const openCgroups = async ({ parent, root = '/sys/fs/cgroup', self }: CgroupOptions): Promise<Cgroups> => {
  const own = ownPaths(self ?? (await readOptional('/proc/self/cgroup')))
  const layout = await layoutOf(root, parent, own)
  const homes = [...layout.folders.values(), ...layout.others]

  const kill = async (name: string): Promise<void> => {
    for (const home of homes) await killTree(join(home, name))
  }

  const destroy = async (name: string): Promise<void> => {
    await kill(name)
    for (const home of homes) await removeTree(join(home, name))
  }

  return {
    kill,
    create: async (name, limits) => {
      const wanted = settings[layout.version](limits)
      const hierarchies = new Set([memberHierarchy[layout.version], ...wanted.map(([hierarchy]) => hierarchy)])
      const folders = new Map([...hierarchies].map((each) => [each, join(layout.folders.get(each) ?? '', name)]))
      for (const folder of folders.values()) await mkdir(folder, { recursive: true })
      for (const [hierarchy, file, value] of wanted)
        await writeFile(join(folders.get(hierarchy) ?? '', file), String(value))
      return [...folders.values()]
    },
    pathOf: (name) => join(layout.pathPrefix, name, layout.version === 'v2' ? 'run' : ''),
    foldersOf: (name) => homes.map((home) => join(home, name)),
    oomKills: async (name) => {
      const folder = join(layout.folders.get('memory') ?? layout.folders.get('') ?? '', name)
      return Number(/^oom_kill (\d+)$/m.exec(await readOptional(join(folder, layout.memoryEvents)))?.[1] ?? 0)
    },
    destroy,
    retain: async (names) => {
      const found = await Promise.all(homes.map((home) => readdir(home, { withFileTypes: true }).catch(noneThere)))
      const groups = new Set(found.flat().flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])))
      for (const name of groups) if (!names.includes(name)) await destroy(name)
    },
    close: async () => {
      for (const home of homes) await removeFolder(home)
    },
  }
}

/** Removes what dead agents left: the groups below our own whose name starts with `prefix`, empty of processes by now. */
export const removeCgroups = async (
  prefix: string,
  { root = '/sys/fs/cgroup', self }: Omit<CgroupOptions, 'parent'> = {},
): Promise<void> => {
  const own = ownPaths(self ?? (await readOptional('/proc/self/cgroup')))
  const homes = ['', 'memory', 'cpu', 'pids'].map((controller) => join(root, controller, own.get(controller) ?? '/'))
  homes.push(...[...own].map(([hierarchy, path]) => join(root, folderName(hierarchy), path)))
  for (const home of new Set(homes)) {
    const entries = await readdir(home, { withFileTypes: true }).catch(noneThere)
    for (const entry of entries)
      if (entry.isDirectory() && entry.name.startsWith(prefix)) await removeTree(join(home, entry.name))
  }
}
