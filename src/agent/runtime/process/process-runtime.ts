/**
 * Pods as plain process trees with the node's programs. A sandbox is a process that holds the pod's namespaces; a container
 * is a command in them under a small shell that passes signals on and notes the exit code. Both live on without us.
 */
import { watch } from 'node:fs'
import { type Clock, sleep, systemClock } from '../../../api/clock.ts'
import type { StringMap } from '../../../api/types/index.ts'
import { runBounded } from '../../../host/bounded.ts'
import type { Cgroups } from '../../../host/cgroup.ts'
import { canSetGroups } from '../../../host/id-map.ts'
import type { Logger } from '../../../host/log.ts'
import { familyOf, isRunning, killFamily, type ProcessId, signalProcess } from '../../../host/process.ts'
import type { Capabilities } from '../capabilities.ts'
import type { ContainerSpec, Containers } from '../containers.ts'
import { containerId, sandboxOf } from '../ids.ts'
import { createOwnImages } from '../own-images.ts'
import type { OnChange, OnDamage, Runtime } from '../runtime.ts'
import type { Sandboxes, SandboxSpec } from '../sandboxes.ts'
import { ExecTimeout, type Streams } from '../streams.ts'
import { attachTo, makeFifo } from './attach.ts'
import { openCommand } from './command.ts'
import { renderEnvFile } from './env-file.ts'
import { execWords, launchContainer, launchSandbox, toolEnv } from './launch.ts'
import { createLiveSandboxes, processRuntime, type Sandbox, toRecord } from './live.ts'
import { podwayPrograms, readNodeFiles } from './node-files.ts'
import { compilePodRoot, type PodRootPlan } from './pod-root.ts'
import { rightsWords } from './rights.ts'
import { createSettings } from './settings.ts'
import { createStateStore, type StoredContainer } from './state.ts'

export interface ProcessRuntimeOptions {
  /** Where the state is kept; it should vanish with a reboot, as the processes do. */
  readonly stateDir: string
  /** Missing where we may not make groups: limits are then not enforced. */
  readonly cgroups: Cgroups | undefined
  readonly onChange: OnChange
  readonly onDamage: OnDamage
  readonly log: Logger
  /** Who containers can be; root alone when missing. */
  readonly identities?: Pick<Capabilities, 'canBecome' | 'canSetGroups'>
  /** The variables every container gets, PATH among them. */
  readonly env?: StringMap
  readonly clock?: Clock
  /** How often the processes are looked at, for an end that nobody told us of. */
  readonly pollMs?: number
  /** Files and folders of the node that pods see besides its programs. */
  readonly programs?: readonly string[]
}

const rootAlone = { canBecome: (id: number) => id === 0, canSetGroups: false }

const maxOutputBytes = 10 * 1024

export const createProcessRuntime = (options: ProcessRuntimeOptions): Runtime => {
  const { stateDir, cgroups, onChange, onDamage, log, clock = systemClock, pollMs = 5_000 } = options
  const programs = [...podwayPrograms, ...(options.programs ?? [])]
  const store = createStateStore(stateDir)
  const live = createLiveSandboxes({ store, cgroups, onChange, onDamage, log, clock })
  const settings = createSettings({ folder: store.settingsDir, mounted: store.mounted, clock })
  /** Whoever comes after us in this process looks after what we have started. */
  let isRetired = false
  let loading: Promise<void> | undefined

  const loaded = (): Promise<void> => {
    // A failure is no answer for ever: the next who asks tries again.
    loading ??= live.load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
  const find = async (id: string): Promise<Sandbox | undefined> => {
    await loaded()
    return live.get(id)
  }

  /** A container that runs, and where. */
  const findRunning = async (id: string) => {
    const sandbox = await find(sandboxOf(id))
    const container = sandbox?.containers.get(id)
    if (!sandbox?.process || !container || container.exit) throw new Error(`container ${id} does not run`)
    const { hostNetwork } = sandbox.spec
    return { container, place: { sandbox: sandbox.process, hostNetwork, envFile: store.envFile(id) } }
  }

  const forgetContainer = async (sandbox: Sandbox, id: string): Promise<void> => {
    sandbox.containers.delete(id)
    await store.dropContainer(id)
  }

  const kill = async (container: StoredContainer): Promise<void> => {
    if (await isRunning(container.process)) {
      // What runs at a terminal has a session of its own.
      if (container.tty) await killFamily(container.process.pid)
      signalProcess(-container.process.pid, 'SIGKILL')
    }
    await cgroups?.kill(container.id)
  }

  /** Who is asked to end: the shim hands it on, but script(1), which stands between at a terminal, would lose the exit code. */
  const mainOf = async ({ process: { pid }, tty }: StoredContainer): Promise<number> => {
    const [shim = pid, _script, command = shim] = tty ? await familyOf(pid) : [pid]
    return command
  }

  /** The last instance of a name stays beside the new one. */
  const forgetOlder = async (sandbox: Sandbox, spec: ContainerSpec): Promise<void> => {
    for (const { id, name, attempt } of [...sandbox.containers.values()])
      if (name === spec.name && attempt < spec.attempt - 1) await forgetContainer(sandbox, id)
  }

  const planRoot = async ({ id, mounts: files }: SandboxSpec): Promise<PodRootPlan> => {
    const place = { root: store.rootOf(id), empty: store.emptyDir, settings: await settings() }
    return compilePodRoot(await readNodeFiles(programs), { ...place, programs, files })
  }

  const launch = async (sandbox: Sandbox, process: ProcessId, id: string, spec: ContainerSpec): Promise<void> => {
    const { name, attempt, logFile, labels, workingDir } = spec
    const kept = {
      ...{ id, name, attempt, logFile, labels, workingDir, startedAt: clock.now() },
      rights: rightsWords(spec, await canSetGroups()),
      ...(spec.stdin ? { stdin: spec.stdin } : {}),
      ...(spec.tty ? { tty: true } : {}),
      cgroups: (await cgroups?.create(id, spec.limits)) ?? [],
    }
    const { hostNetwork } = sandbox.spec
    const files = { exitFile: store.exitFile(id), envFile: store.envFile(id) }
    // A terminal without a keyboard is no terminal whose user has gone.
    const stdinFile = spec.stdin || spec.tty ? store.stdinFile(id) : ''
    if (stdinFile !== '') await makeFifo(stdinFile)
    const place = { sandbox: process, hostNetwork, ...files, stdinFile }
    const { startError, ended } = await launchContainer(spec, place, kept, async (shim) => {
      const container = { ...kept, process: shim }
      await store.saveContainer(container)
      sandbox.containers.set(id, container)
    })
    if (startError !== undefined) live.noteStartError(id, startError)
    const settled = ended.then(() => (isRetired ? undefined : live.lookAt(sandbox, id)))
    if (startError !== undefined) await settled
  }

  const sandboxes: Sandboxes = {
    list: async () => {
      await loaded()
      return live.all().map(toRecord)
    },

    start: async (spec) => {
      const dead = await find(spec.id)
      if (dead?.process) throw new Error(`sandbox ${spec.id} is running`)
      await store.saveSpec(spec)
      await store.saveRoot(spec.id, await planRoot(spec))
      const { process, ended } = await launchSandbox(spec, store.sandboxDir(spec.id), (id) =>
        store.saveProcess(spec.id, id),
      )
      const sandbox: Sandbox = { spec, process, containers: dead?.containers ?? new Map() }
      live.set(sandbox)
      const look = () => (isRetired ? undefined : live.look(sandbox))
      ended.then(look).catch((error: unknown) => log.error({ err: error }, 'cannot look at a sandbox that ended'))
      return toRecord(sandbox)
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
        await store.saveEnv(id, renderEnvFile(spec.env))
        await launch(sandbox, sandbox.process, id, spec)
      } catch (error) {
        await forgetContainer(sandbox, id)
        await cgroups?.destroy(id)
        throw error
      }
      const record = toRecord(sandbox).containers.find((container) => container.id === id)
      if (!record) throw new Error(`container ${id} was removed while it was started`)
      return record
    },

    signal: async (id, signal) => {
      const container = (await find(sandboxOf(id)))?.containers.get(id)
      if (!container || container.exit) return
      if (signal === 'KILL') await kill(container)
      else if (await isRunning(container.process)) signalProcess(await mainOf(container), 'SIGTERM')
    },
  }

  const streams: Streams = {
    exec: async (id, command, timeoutMs) => {
      const { container, place } = await findRunning(id)
      const [file, ...args] = execWords(container, place, command)
      const { exitCode, output } = await runBounded(file, args, { timeoutMs, maxOutputBytes, env: toolEnv() })
      if (exitCode === undefined) throw new ExecTimeout(command, timeoutMs)
      return { exitCode, output }
    },

    open: async (id, command, options) => {
      const { container, place } = await findRunning(id)
      return openCommand(container, place, command, options)
    },

    attach: async (id) => {
      const { container, place } = await findRunning(id)
      return attachTo(container, place, store.stdinFile(id))
    },
  }

  return {
    name: processRuntime,
    sandboxes,
    containers,
    streams,
    images: createOwnImages(options.env ?? {}),
    capabilities: { features: new Set(), ...(options.identities ?? rootAlone) },

    run: async (signal) => {
      await loaded()
      const watcher = watch(store.exitsDir, { signal }, (_event, name) => {
        const sandbox = name === null ? undefined : live.get(sandboxOf(name))
        if (name !== null && sandbox) void live.lookAt(sandbox, name)
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
