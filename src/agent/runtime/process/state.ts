/**
 * What must survive the agent, in files: which process is which sandbox or container, and how those ended that did.
 *
 *   sandboxes/ID/spec.json  process.json  containers/CONTAINER.json  containers/CONTAINER.env
 *   sandboxes/ID/skeleton  mounts  root/      for the pod's root, which is mounted in the pod alone
 *   skeletons/HASH/  etc/COPY/  empty/        what roots are made of
 *   exits/CONTAINER         written by the container's shim, taken over into CONTAINER.json
 */
import { hash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../../host/files.ts'
import type { ProcessId } from '../../../host/process.ts'
import { type ContainerExit, type ContainerRecord, type SandboxSpec, sandboxOf } from '../runtime.ts'
import type { PodRootPlan } from './pod-root.ts'

/** A container as kept: what `list` shows, and what it takes to signal it or to run a command beside it. */
export interface StoredContainer extends ContainerRecord {
  /** The shim; its group is the container's. */
  readonly process: ProcessId
  readonly workingDir: string
  /** Words for setpriv(1). */
  readonly rights: readonly string[]
  readonly cgroups: readonly string[]
}

export interface StoredSandbox {
  readonly spec: SandboxSpec
  /** Missing when the agent died before the sandbox was complete: then there is no process either. */
  readonly process: ProcessId | undefined
  readonly containers: readonly StoredContainer[]
}

const unlessMissing = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}

const readJson = async <T>(file: string): Promise<T | undefined> => {
  const text = await readFile(file, 'utf8').catch(unlessMissing)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as T
  } catch (error) {
    throw new Error(`${file} is damaged (${String(error)}); remove its folder to forget the pod`)
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

export type StateStore = ReturnType<typeof createStateStore>

/** Files are written whole or not at all. */
export const createStateStore = (stateDir: string) => {
  const exitsDir = join(stateDir, 'exits')
  const sandboxDir = (id: string): string => join(stateDir, 'sandboxes', id)
  const containersDir = (id: string): string => join(sandboxDir(id), 'containers')
  const fileOf = (container: string, kind: 'json' | 'env'): string =>
    join(containersDir(sandboxOf(container)), `${container}.${kind}`)
  const exitFile = (container: string): string => join(exitsDir, container)

  const rootOf = (id: string): string => join(sandboxDir(id), 'root')
  const emptyDir = join(stateDir, 'empty')
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

  const loadSandbox = async (id: string): Promise<StoredSandbox | undefined> => {
    const spec = await readJson<SandboxSpec>(join(sandboxDir(id), 'spec.json'))
    if (!spec) return undefined
    const names = (await readdir(containersDir(id))).filter((name) => name.endsWith('.json'))
    const containers = await Promise.all(names.map((name) => readJson<StoredContainer>(join(containersDir(id), name))))
    return {
      spec,
      process: await readJson<ProcessId>(join(sandboxDir(id), 'process.json')),
      containers: containers.filter((container) => container !== undefined),
    }
  }

  const dropContainer = async (id: string): Promise<void> => {
    for (const file of [exitFile(id), fileOf(id, 'env'), fileOf(id, 'json')]) await rm(file, { force: true })
  }

  return {
    exitsDir,
    exitFile,
    envFile: (container: string): string => fileOf(container, 'env'),
    sandboxDir,

    load: async (): Promise<readonly StoredSandbox[]> => {
      await mkdir(exitsDir, { recursive: true, mode: 0o700 })
      await mkdir(join(stateDir, 'sandboxes'), { recursive: true, mode: 0o700 })
      const found = await Promise.all((await readdir(join(stateDir, 'sandboxes'))).map(loadSandbox))
      return found.filter((sandbox) => sandbox !== undefined)
    },

    /** The sandbox is known from now on, and has no process yet. */
    saveSpec: async (spec: SandboxSpec): Promise<void> => {
      await mkdir(containersDir(spec.id), { recursive: true, mode: 0o700 })
      await rm(join(sandboxDir(spec.id), 'process.json'), { force: true })
      await writeFileAtomic(join(sandboxDir(spec.id), 'spec.json'), JSON.stringify(spec))
    },
    /** What the first process of the pod makes its root from. */
    saveRoot: async (id: string, { mounts, ...skeleton }: PodRootPlan): Promise<void> => {
      for (const folder of [rootOf(id), emptyDir]) await mkdir(folder, { recursive: true, mode: 0o755 })
      await writeFile(join(sandboxDir(id), 'mounts'), mounts)
      await rm(join(sandboxDir(id), 'skeleton'), { force: true })
      await symlink(await skeletonOf(skeleton), join(sandboxDir(id), 'skeleton'))
    },
    rootOf,
    emptyDir,
    settingsDir: join(stateDir, 'etc'),
    /** The mounts of all pods. */
    mounted: async (): Promise<string> => {
      const ids = await readdir(join(stateDir, 'sandboxes'))
      const texts = ids.map((id) => readFile(join(sandboxDir(id), 'mounts'), 'utf8').catch(unlessMissing))
      return (await Promise.all(texts)).join('')
    },
    saveProcess: (id: string, process: ProcessId): Promise<void> =>
      writeFileAtomic(join(sandboxDir(id), 'process.json'), JSON.stringify(process)),
    saveEnv: (container: string, text: string): Promise<void> => writeFileAtomic(fileOf(container, 'env'), text),

    /** An exit in the record makes the shim's own note superfluous. */
    saveContainer: async (container: StoredContainer): Promise<void> => {
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
      const text = await readFile(exitFile(container), 'utf8').catch(unlessMissing)
      const code = /^(\d+)\n$/.exec(text ?? '')?.[1]
      if (code === undefined) return undefined
      const { mtimeMs } = await stat(exitFile(container))
      return { code: Number(code), finishedAt: Math.round(mtimeMs) }
    },
  }
}
