/**
 * What must survive the agent, in files: which process is which sandbox or container, and how those ended that did.
 *
 *   sandboxes/ID/spec.json  process.json  containers/CONTAINER.json  containers/CONTAINER.env  CONTAINER.stdin
 *   sandboxes/ID/skeleton  mounts  root/      for the pod's root, which is mounted in the pod alone
 *   sandboxes/ID/shared                       what its containers see besides, if that is told apart
 *   skeletons/HASH/  etc/COPY/  empty/        what roots are made of
 *   exits/CONTAINER         written by the container's shim, taken over into CONTAINER.json
 */
import { hash } from 'node:crypto'
import { chmod, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSetAside, jsonOf, readDurable, reportDamage } from '../../../host/durable-file.ts'
import { writeFileAtomic } from '../../../host/files.ts'
import type { ProcessId } from '../../../host/process.ts'
import type { ContainerExit, ContainerRecord, ContainerSpec } from '../containers.ts'
import { sandboxOf } from '../ids.ts'
import type { OnDamage } from '../runtime.ts'
import type { SandboxSpec } from '../sandboxes.ts'
import type { PodRootPlan } from './pod-root.ts'

/** A container as kept: what `list` shows, and what it takes to signal it. Each kind of container keeps more. */
export interface StoredContainer extends ContainerRecord {
  /** The shim; its group is the container's. */
  readonly process: ProcessId
  readonly cgroups: readonly string[]
  readonly stdin?: ContainerSpec['stdin']
  readonly tty?: boolean
}

/** The first process in a pod's namespaces. */
export interface SandboxProcess extends ProcessId {
  /** It holds the mounts that the pod's containers share, which are out of reach for the first process; both end together. */
  readonly holder?: ProcessId
}

export interface StoredSandbox<C extends StoredContainer = StoredContainer> {
  readonly spec: SandboxSpec
  /** Missing when the agent died before the sandbox was complete: then there is no process either. */
  readonly process: SandboxProcess | undefined
  readonly containers: readonly C[]
}

/** Whether a container's record is whole, as far as its kind knows. */
export type IsWhole<C extends StoredContainer> = (container: StoredContainer) => container is C

/** A pod's files are damaged: `file` is the first that was found so. */
class DamagedSandbox extends Error {
  readonly file: string
  readonly why: string

  constructor(file: string, why: string) {
    super(`${file} ${why}`)
    this.file = file
    this.why = why
  }
}

type Skeleton = Omit<PodRootPlan, 'mounts'>

const makeSkeleton = async (folder: string, { folders, files, links }: Skeleton): Promise<string> => {
  await rm(folder, { recursive: true, force: true })
  for (const [path, mode] of folders) {
    await mkdir(join(folder, path), { recursive: true })
    // Whatever our umask is.
    await chmod(join(folder, path), mode)
  }
  for (const path of files) await writeFile(join(folder, path), '')
  for (const [path, target] of links) await symlink(target, join(folder, path))
  return folder
}

/** Throws `DamagedSandbox`. */
const readJson = async <T>(file: string, parse: (text: string) => T): Promise<T | undefined> => {
  const found = await readDurable(file, parse)
  if (found.state === 'damaged') throw new DamagedSandbox(file, found.why)
  return found.state === 'read' ? found.value : undefined
}

const hasTexts = (value: unknown, ...names: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === 'string')

const isProcess = (value: unknown): value is ProcessId =>
  hasTexts(value, 'startTime') && Number.isInteger((value as ProcessId).pid) && (value as ProcessId).pid > 0

const isSandboxProcess = (value: unknown): value is SandboxProcess => {
  if (!isProcess(value)) return false
  const { holder } = value as SandboxProcess
  return holder === undefined || isProcess(holder)
}

/** Written by us: that it has what everything else hangs on shows that it is whole. */
const isSpecOf =
  (id: string) =>
  (value: unknown): value is SandboxSpec =>
    hasTexts(value, 'id', 'namespace', 'name') && (value as SandboxSpec).id === id

const isContainer = (value: unknown): value is StoredContainer =>
  hasTexts(value, 'id', 'name', 'logFile') &&
  isProcess((value as StoredContainer).process) &&
  Array.isArray((value as StoredContainer).cgroups)

export type StateStore<C extends StoredContainer = StoredContainer> = ReturnType<typeof createStateStore<C>>

/** For who only looks at the pods, whatever their containers are. */
export const isAnyContainer = (_container: StoredContainer): _container is StoredContainer => true

/** Files are written whole or not at all. */
export const createStateStore = <C extends StoredContainer>(stateDir: string, isWhole: IsWhole<C>) => {
  const isOwn = (value: unknown): value is C => isContainer(value) && isWhole(value)
  const exitsDir = join(stateDir, 'exits')
  const sandboxDir = (id: string): string => join(stateDir, 'sandboxes', id)
  const containersDir = (id: string): string => join(sandboxDir(id), 'containers')
  const fileOf = (container: string, kind: 'json' | 'env' | 'stdin'): string =>
    join(containersDir(sandboxOf(container)), `${container}.${kind}`)
  const exitFile = (container: string): string => join(exitsDir, container)

  const rootOf = (id: string): string => join(sandboxDir(id), 'root')
  const emptyDir = join(stateDir, 'empty')
  const settingsDir = join(stateDir, 'etc')
  const skeletons = new Map<string, Promise<string>>()

  /** Pods have the same one, mostly: it is made once. */
  const skeletonOf = (skeleton: Skeleton): Promise<string> => {
    const { folders, files, links } = skeleton
    const name = hash('sha256', JSON.stringify([[...folders], files, [...links]])).slice(0, 16)
    const made = skeletons.get(name) ?? makeSkeleton(join(stateDir, 'skeletons', name), skeleton)
    skeletons.set(name, made)
    made.catch(() => skeletons.delete(name))
    return made
  }

  /** Undefined for one that was never begun. Throws `DamagedSandbox`. */
  const loadSandbox = async (id: string): Promise<StoredSandbox<C> | undefined> => {
    const specFile = join(sandboxDir(id), 'spec.json')
    const spec = await readJson(specFile, jsonOf('a sandbox', isSpecOf(id)))
    const process = await readJson(join(sandboxDir(id), 'process.json'), jsonOf('a process', isSandboxProcess))
    if (!spec && process) throw new DamagedSandbox(specFile, 'is gone')
    if (!spec) return undefined
    const names = (await readdir(containersDir(id))).filter((name) => name.endsWith('.json'))
    const containers = await Promise.all(
      names.map((name) => readJson(join(containersDir(id), name), jsonOf('a container', isOwn))),
    )
    return { spec, process, containers: containers.filter((container) => container !== undefined) }
  }

  /** One pod's damaged files are out of the way of all others, as a whole: half a pod cannot be taken up again. */
  const putAside = async (id: string, error: unknown, onDamage: OnDamage): Promise<undefined> => {
    const { file, why } =
      error instanceof DamagedSandbox
        ? error
        : { file: sandboxDir(id), why: `cannot be read (${error instanceof Error ? error.message : String(error)})` }
    const exits = (await readdir(exitsDir)).filter((name) => sandboxOf(name) === id)
    for (const name of exits) await rm(exitFile(name), { recursive: true, force: true })
    const what = file === sandboxDir(id) ? why : `is without use, for ${file} ${why}`
    await reportDamage(sandboxDir(id), what, onDamage)
    return undefined
  }

  const dropContainer = async (id: string): Promise<void> => {
    for (const file of [exitFile(id), fileOf(id, 'env'), fileOf(id, 'stdin'), fileOf(id, 'json')])
      await rm(file, { recursive: true, force: true })
  }

  return {
    stateDir,
    exitsDir,
    exitFile,
    envFile: (container: string): string => fileOf(container, 'env'),
    /** A FIFO, of containers with a stdin. */
    stdinFile: (container: string): string => fileOf(container, 'stdin'),
    sandboxDir,

    /** All but those with damaged files, which are set aside, if they are told of; who only looks changes nothing. */
    load: async (onDamage?: OnDamage): Promise<readonly StoredSandbox<C>[]> => {
      await mkdir(exitsDir, { recursive: true, mode: 0o700 })
      await mkdir(join(stateDir, 'sandboxes'), { recursive: true, mode: 0o700 })
      const ids = (await readdir(join(stateDir, 'sandboxes'))).filter((name) => !isSetAside(name))
      const found = await Promise.all(
        ids.map((id) =>
          loadSandbox(id).catch((error: unknown) => (onDamage ? putAside(id, error, onDamage) : undefined)),
        ),
      )
      return found.filter((sandbox) => sandbox !== undefined)
    },

    /** The sandbox is known from now on, and has no process yet. */
    saveSpec: async (spec: SandboxSpec): Promise<void> => {
      await mkdir(containersDir(spec.id), { recursive: true, mode: 0o700 })
      await rm(join(sandboxDir(spec.id), 'process.json'), { force: true })
      await writeFileAtomic(join(sandboxDir(spec.id), 'spec.json'), JSON.stringify(spec))
    },
    /** What the first process of the pod makes its root from. */
    saveRoot: async (id: string, { mounts, ...skeleton }: PodRootPlan, shared?: string): Promise<void> => {
      for (const folder of [rootOf(id), emptyDir]) await mkdir(folder, { recursive: true, mode: 0o755 })
      await writeFile(join(sandboxDir(id), 'mounts'), mounts)
      if (shared !== undefined) await writeFile(join(sandboxDir(id), 'shared'), shared)
      await rm(join(sandboxDir(id), 'skeleton'), { force: true })
      await symlink(await skeletonOf(skeleton), join(sandboxDir(id), 'skeleton'))
    },
    rootOf,
    emptyDir,
    settingsDir,
    /** The mounts of all pods. One whose file is damaged may have mounted anything. */
    mounted: async (): Promise<string> => {
      const ids = await readdir(join(stateDir, 'sandboxes'))
      const found = await Promise.all(ids.map((id) => readDurable(join(sandboxDir(id), 'mounts'), (text) => text)))
      const all = found.some(({ state }) => state === 'damaged') ? await readdir(settingsDir) : []
      return [
        ...found.map((read) => (read.state === 'read' ? read.value : '')),
        ...all.map((name) => join(settingsDir, name)),
      ].join('\n')
    },
    saveProcess: (id: string, process: SandboxProcess): Promise<void> =>
      writeFileAtomic(join(sandboxDir(id), 'process.json'), JSON.stringify(process)),
    saveEnv: (container: string, text: string): Promise<void> => writeFileAtomic(fileOf(container, 'env'), text),

    /** An exit in the record makes the shim's own note superfluous. */
    saveContainer: async (container: C): Promise<void> => {
      await writeFileAtomic(fileOf(container.id, 'json'), JSON.stringify(container))
      if (container.exit) await rm(exitFile(container.id), { force: true })
    },
    dropContainer,
    dropSandbox: async (id: string, containers: readonly string[]): Promise<void> => {
      for (const container of containers) await rm(exitFile(container), { force: true })
      await rm(sandboxDir(id), { recursive: true, force: true })
    },

    /** What the shim noted; undefined until its line is complete. */
    readExit: async (container: string): Promise<Omit<ContainerExit, 'oomKilled'> | undefined> => {
      const found = await readDurable(exitFile(container), (text) => /^(\d+)\n$/.exec(text)?.[1])
      const code = found.state === 'read' ? found.value : undefined
      if (code === undefined) return undefined
      // Whoever has taken it over meanwhile has removed it.
      const file = await stat(exitFile(container)).catch(() => undefined)
      return file && { code: Number(code), finishedAt: Math.round(file.mtimeMs) }
    },
  }
}
