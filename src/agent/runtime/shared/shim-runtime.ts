/**
 * A runtime without a daemon. A sandbox is a process that holds a pod's namespaces; a container is a command in them under a
 * small shell, its shim, that passes signals on and notes the exit code. Both live on without us. How a container is started,
 * and how a command gets into it, is a matter of its kind.
 */
import { watch } from 'node:fs'
import { type Clock, sleep, systemClock } from '../../../api/clock.ts'
import { runBounded } from '../../../host/bounded.ts'
import type { Cgroups } from '../../../host/cgroup.ts'
import type { Logger } from '../../../host/log.ts'
import { once } from '../../../host/once.ts'
import { isRunning, killFamily, type ProcessId, signalProcess } from '../../../host/process.ts'
import { readContainers } from '../../usage/container-usage.ts'
import { type ContainerSpec, type Containers, targetIn } from '../containers.ts'
import { containerId, sandboxOf } from '../ids.ts'
import type { OnChange, OnDamage, Runtime } from '../runtime.ts'
import type { Sandboxes, SandboxSpec } from '../sandboxes.ts'
import type { Stats } from '../stats.ts'
import { ExecTimeout, type Streams } from '../streams.ts'
import { attachTo, makeFifo } from './attach.ts'
import { toolEnv } from './begin.ts'
import { openCommand } from './command.ts'
import { createLiveSandboxes, type Leftovers, type Sandbox, toRecord } from './live.ts'
import type { PodRootPlan } from './pod-root.ts'
import type { SizeWords } from './resize.ts'
import { launchSandbox } from './sandbox.ts'
import type { SandboxProcess, StateStore, StoredContainer } from './state.ts'

/** What the first process of a pod makes the pod's mounts from. */
export interface SandboxRoot {
  readonly root: PodRootPlan
  /** An fstab: what all containers see and the first process does not. */
  readonly shared?: string
}

/** A container that is to be started, in a sandbox that runs. */
export interface LaunchRequest<C extends StoredContainer> {
  readonly sandbox: SandboxSpec
  readonly process: SandboxProcess
  readonly spec: ContainerSpec
  readonly container: Omit<StoredContainer, 'process'>
  /** The one whose processes it shall see. */
  readonly target: C | undefined
  /** The shim writes the exit code there. */
  readonly exitFile: string
  /** A FIFO; empty for none. */
  readonly stdinFile: string
  /** The container is on record once this resolves; nothing of it runs before. */
  readonly record: (container: C) => Promise<void>
}

export interface Launched {
  /** Why there was nothing to run; the shim then ends with 128. */
  readonly startError: string | undefined
  /** Resolves when the shim has ended, if we are still here to see it. */
  readonly ended: Promise<void>
}

/** A container that runs. */
export interface RunningContainer<C extends StoredContainer> {
  readonly container: C
  readonly sandbox: SandboxSpec
  readonly process: SandboxProcess
}

export interface CommandWords {
  readonly words: readonly [string, ...string[]]
  /** Called when the command has ended. */
  readonly done?: () => void
}

/** How commands get into a container of this kind. */
export interface Commands<C extends StoredContainer> {
  /** `tty`: at a terminal of its own; `input`: somebody may type. */
  prepare(
    running: RunningContainer<C>,
    command: readonly string[],
    options: { readonly tty: boolean; readonly input: boolean },
  ): Promise<CommandWords>
  sizeWords(running: RunningContainer<C>): SizeWords
}

/** What is different about the containers of one kind. */
export interface ContainerKind<C extends StoredContainer> {
  /** May throw: then the sandbox is not made. */
  rootOf(spec: SandboxSpec): Promise<SandboxRoot>
  launch(request: LaunchRequest<C>): Promise<Launched>
  /** Asks the main process to end. */
  stop(container: C): Promise<void>
  readonly commands: Commands<C>
  /** Where a container's own files are, if they are on the disk. */
  writableOf?(container: string): string
}

export interface ShimRuntimeOptions<C extends StoredContainer> {
  readonly kind: ContainerKind<C>
  readonly leftovers?: Leftovers<C>
  /** Where the state is kept; it should vanish with a reboot, as the processes do. */
  readonly store: StateStore<C>
  /** Missing where we may not make groups: limits are then not enforced. */
  readonly cgroups: Cgroups | undefined
  readonly onChange: OnChange
  readonly onDamage: OnDamage
  readonly log: Logger
  readonly clock?: Clock
  /** How often the processes are looked at, for an end that nobody told us of. */
  readonly pollMs?: number
}

const maxOutputBytes = 10 * 1024

export const createShimRuntime = <C extends StoredContainer>(
  name: string,
  options: ShimRuntimeOptions<C>,
): Pick<Runtime, 'name' | 'sandboxes' | 'containers' | 'streams' | 'stats' | 'run'> => {
  const { kind, leftovers, store, cgroups, onChange, onDamage, log, clock = systemClock, pollMs = 5_000 } = options
  const live = createLiveSandboxes({ store, leftovers, cgroups, onChange, onDamage, log, clock })
  /** Whoever comes after us in this process looks after what we have started. */
  let isRetired = false

  const loaded = once(live.load)
  const find = async (id: string): Promise<Sandbox<C> | undefined> => {
    await loaded()
    return live.get(id)
  }

  const findRunning = async (id: string): Promise<RunningContainer<C>> => {
    const sandbox = await find(sandboxOf(id))
    const container = sandbox?.containers.get(id)
    if (!sandbox?.process || !container || container.exit) throw new Error(`container ${id} does not run`)
    return { container, sandbox: sandbox.spec, process: sandbox.process }
  }

  const forgetContainer = async (sandbox: Sandbox<C>, id: string): Promise<void> => {
    sandbox.containers.delete(id)
    await leftovers?.drop(id)
    await store.dropContainer(id)
  }

  const kill = async (container: C): Promise<void> => {
    if (await isRunning(container.process)) {
      // Some have a session of their own, or are in namespaces below.
      await killFamily(container.process.pid)
      signalProcess(-container.process.pid, 'SIGKILL')
    }
    await cgroups?.kill(container.id)
  }

  /** The last instance of a name stays beside the new one. */
  const forgetOlder = async (sandbox: Sandbox<C>, spec: ContainerSpec): Promise<void> => {
    for (const { id, name: other, attempt } of [...sandbox.containers.values()])
      if (other === spec.name && attempt < spec.attempt - 1) await forgetContainer(sandbox, id)
  }

  const launch = async (sandbox: Sandbox<C>, process: ProcessId, id: string, spec: ContainerSpec): Promise<void> => {
    const { attempt, image, logFile, labels } = spec
    // Attempts are in the order in which they were started.
    const target = spec.target === undefined ? undefined : targetIn([...sandbox.containers.values()], spec.target)
    const container = {
      ...{ id, name: spec.name, attempt, logFile, labels, startedAt: clock.now() },
      ...(image ? { image } : {}),
      ...(spec.stdin ? { stdin: spec.stdin } : {}),
      ...(spec.tty ? { tty: true } : {}),
      cgroups: (await cgroups?.create(id, spec.limits)) ?? [],
    }
    // A terminal without a keyboard is no terminal whose user has gone.
    const stdinFile = spec.stdin || spec.tty ? store.stdinFile(id) : ''
    if (stdinFile !== '') await makeFifo(stdinFile)
    const { startError, ended } = await kind.launch({
      ...{ sandbox: sandbox.spec, process, spec, container, target, stdinFile, exitFile: store.exitFile(id) },
      record: async (whole) => {
        await store.saveContainer(whole)
        sandbox.containers.set(id, whole)
      },
    })
    if (startError !== undefined) live.noteStartError(id, startError)
    const settled = ended.then(() => (isRetired ? undefined : live.lookAt(sandbox, id)))
    if (startError !== undefined) await settled
  }

  const sandboxes: Sandboxes = {
    list: async () => {
      await loaded()
      return live.all().map((sandbox) => toRecord(name, sandbox))
    },

    start: async (spec) => {
      const dead = await find(spec.id)
      if (dead?.process) throw new Error(`sandbox ${spec.id} is running`)
      await store.saveSpec(spec)
      const { root, shared } = await kind.rootOf(spec)
      await store.saveRoot(spec.id, root, shared)
      const { process, ended } = await launchSandbox(spec, {
        ...{ folder: store.sandboxDir(spec.id), hasSharedMounts: shared !== undefined },
        record: (first) => store.saveProcess(spec.id, first),
      })
      const sandbox: Sandbox<C> = { spec, process, containers: dead?.containers ?? new Map() }
      live.set(sandbox)
      const look = () => (isRetired ? undefined : live.look(sandbox))
      ended.then(look).catch((error: unknown) => log.error({ err: error }, 'cannot look at a sandbox that ended'))
      return toRecord(name, sandbox)
    },

    end: async (id, records) => {
      const sandbox = await find(id)
      if (!sandbox) return
      if (sandbox.process && (await isRunning(sandbox.process))) signalProcess(sandbox.process.pid, 'SIGKILL')
      await Promise.all([...sandbox.containers.values()].filter(({ exit }) => !exit).map(kill))
      await live.settleAll(sandbox)
      if (records === 'keep') return
      live.delete(id)
      await store.dropSandbox(id, [...sandbox.containers.keys()])
    },
  }

  const containers: Containers = {
    start: async (sandboxId, spec) => {
      const sandbox = await find(sandboxId)
      if (!sandbox?.process) throw new Error(`sandbox ${sandboxId} does not run`)
      const id = containerId(sandboxId, spec.name, spec.attempt)
      if (sandbox.containers.has(id)) throw new Error(`container ${id} was started before`)
      await forgetOlder(sandbox, spec)
      try {
        await launch(sandbox, sandbox.process, id, spec)
      } catch (error) {
        await forgetContainer(sandbox, id)
        await cgroups?.destroy(id)
        throw error
      }
      const record = toRecord(name, sandbox).containers.find((container) => container.id === id)
      if (!record) throw new Error(`container ${id} was removed while it was started`)
      return record
    },

    signal: async (id, signal) => {
      const container = (await find(sandboxOf(id)))?.containers.get(id)
      if (!container || container.exit) return
      if (signal === 'KILL') await kill(container)
      else if (await isRunning(container.process)) await kind.stop(container)
    },
  }

  const streams: Streams = {
    exec: async (id, command, timeoutMs) => {
      const running = await findRunning(id)
      const { words, done } = await kind.commands.prepare(running, command, { tty: false, input: false })
      const [file, ...args] = words
      try {
        const { exitCode, output } = await runBounded(file, args, { timeoutMs, maxOutputBytes, env: toolEnv() })
        if (exitCode === undefined) throw new ExecTimeout(command, timeoutMs)
        return { exitCode, output }
      } finally {
        done?.()
      }
    },

    open: async (id, command, { stdin, tty }) => {
      const running = await findRunning(id)
      const { words, done } = await kind.commands.prepare(running, command, { tty, input: stdin })
      const opened = await openCommand(words, { stdin, tty }, kind.commands.sizeWords(running))
      void opened.ended.then(done)
      return opened
    },

    attach: async (id) => {
      const running = await findRunning(id)
      return attachTo(running.container, kind.commands.sizeWords(running), store.stdinFile(id))
    },
  }

  const stats: Stats = {
    writableOf: (id) => kind.writableOf?.(id),
    read: async () => {
      await loaded()
      const running = live.all().flatMap((sandbox) => [...sandbox.containers.values()].filter(({ exit }) => !exit))
      return readContainers(
        running.map(({ id, process }) => ({ id, cgroups: cgroups?.foldersOf(id) ?? [], leader: process.pid })),
      )
    },
  }

  return {
    ...{ name, sandboxes, containers, streams, stats },

    run: async (signal) => {
      await loaded()
      const watcher = watch(store.exitsDir, { signal }, (_event, file) => {
        const sandbox = file === null ? undefined : live.get(sandboxOf(file))
        if (file !== null && sandbox) void live.lookAt(sandbox, file)
      })
      watcher.on('error', (error) => log.error({ err: error }, 'cannot watch for exits; looking from time to time'))
      while (!signal.aborted) {
        await sleep(pollMs, signal, clock)
        await Promise.all(live.all().map(live.look))
      }
      isRetired = true
    },
  }
}
