/** The sandboxes and containers known to an agent, and finding out which of them have ended. */
import { type Clock, sleep } from '../../../api/clock.ts'
import type { Cgroups } from '../../../host/cgroup.ts'
import type { Logger } from '../../../host/log.ts'
import { isRunning, type ProcessId } from '../../../host/process.ts'
import type { ContainerExit } from '../containers.ts'
import { byNameAndAttempt } from '../ids.ts'
import type { OnChange, OnDamage } from '../runtime.ts'
import type { SandboxRecord, SandboxSpec } from '../sandboxes.ts'
import type { StateStore, StoredContainer } from './state.ts'
import { endStrays } from './strays.ts'

export interface Sandbox {
  readonly spec: SandboxSpec
  /** The first process in its namespaces, while it runs. */
  process: ProcessId | undefined
  readonly containers: Map<string, StoredContainer>
}

export interface LiveOptions {
  readonly store: StateStore
  readonly cgroups: Cgroups | undefined
  readonly onChange: OnChange
  readonly onDamage: OnDamage
  readonly log: Logger
  readonly clock: Clock
}

/** What a container gets that was killed together with the shim that would have told its exit code. */
const killed = 137
const endTimeoutMs = 10_000

/** The name of this runtime. */
export const processRuntime = 'process'

/** How the runtime shows a sandbox to others. */
export const toRecord = ({ spec, process, containers }: Sandbox): SandboxRecord => ({
  id: spec.id,
  namespace: spec.namespace,
  name: spec.name,
  runtime: processRuntime,
  hostNetwork: spec.hostNetwork,
  labels: spec.labels,
  running: process !== undefined,
  pid: process?.pid ?? 0,
  containers: [...containers.values()]
    .map(({ id, name, attempt, logFile, labels, startedAt, exit }) => ({
      ...{ id, name, attempt, logFile, labels, startedAt },
      ...(exit ? { exit } : {}),
    }))
    .sort(byNameAndAttempt),
})

export type LiveSandboxes = ReturnType<typeof createLiveSandboxes>

/** Nothing is read before `load`, which brings back what an earlier agent knew. */
export const createLiveSandboxes = ({ store, cgroups, onChange, onDamage, log, clock }: LiveOptions) => {
  const sandboxes = new Map<string, Sandbox>()
  const settling = new Map<string, Promise<void>>()
  const startErrors = new Map<string, string>()

  const exitOf = async (container: StoredContainer): Promise<ContainerExit | undefined> => {
    const isOver = !(await isRunning(container.process))
    // Read after the look at the process: one that is over has written what it ever will.
    const noted = await store.readExit(container.id)
    if (!noted && !isOver) return undefined
    const exit = noted ?? { code: killed, finishedAt: clock.now() }
    const oomKilled = exit.code === killed && ((await cgroups?.oomKills(container.id)) ?? 0) > 0
    const startError = startErrors.get(container.id)
    return { ...exit, oomKilled, ...(startError === undefined ? {} : { startError }) }
  }

  const settle = async (sandbox: Sandbox, id: string): Promise<void> => {
    const container = sandbox.containers.get(id)
    if (!container || container.exit) return
    const exit = await exitOf(container)
    if (!exit) return
    const ended = { ...container, exit }
    await store.saveContainer(ended)
    sandbox.containers.set(id, ended)
    startErrors.delete(id)
    await cgroups?.destroy(id)
    onChange(sandbox.spec.id)
  }

  /** Finds out whether a container has ended; looks at one container follow each other. */
  const lookAt = (sandbox: Sandbox, id: string): Promise<void> => {
    const look = (settling.get(id) ?? Promise.resolve())
      .then(() => settle(sandbox, id))
      .catch((error: unknown) => log.error({ err: error, container: id }, 'cannot settle an ended container'))
      .finally(() => settling.get(id) === look && settling.delete(id))
    settling.set(id, look)
    return look
  }

  /** Finds out what of a sandbox has ended. */
  const look = async (sandbox: Sandbox): Promise<void> => {
    const { process } = sandbox
    if (process && !(await isRunning(process)) && sandbox.process === process) {
      sandbox.process = undefined
      onChange(sandbox.spec.id)
    }
    const running = [...sandbox.containers.values()].filter(({ exit }) => !exit)
    // As long as its shim runs, a container tells of its end by the file, which is watched.
    for (const container of running) if (!(await isRunning(container.process))) await lookAt(sandbox, container.id)
  }

  /** Looks until everything in the sandbox is over. Throws when that takes too long. */
  const settleAll = async (sandbox: Sandbox): Promise<void> => {
    for (const deadline = Date.now() + endTimeoutMs; ; await sleep(5)) {
      await look(sandbox)
      const left = [...sandbox.containers.values()].filter(({ exit }) => !exit).map(({ id }) => id)
      if (!sandbox.process && left.length === 0) return
      if (Date.now() > deadline) throw new Error(`killed but not gone: sandbox ${sandbox.spec.id} ${left.join(' ')}`)
    }
  }

  /** What was in a sandbox without a first process is ending: its shims write down how. */
  const settleOrTell = (sandbox: Sandbox): Promise<void> =>
    settleAll(sandbox).catch((error: unknown) => log.error({ err: error }, 'cannot settle a sandbox that ended'))

  return {
    look,
    lookAt,
    settleAll,
    get: (id: string): Sandbox | undefined => sandboxes.get(id),
    all: (): readonly Sandbox[] => [...sandboxes.values()],
    set: (sandbox: Sandbox): void => void sandboxes.set(sandbox.spec.id, sandbox),
    delete: (id: string): void => void sandboxes.delete(id),
    /** Says why a container that is about to end was never run. */
    noteStartError: (container: string, why: string): void => void startErrors.set(container, why),

    load: async (): Promise<void> => {
      for (const { spec, process, containers } of await store.load(onDamage))
        sandboxes.set(spec.id, { spec, process, containers: new Map(containers.map((each) => [each.id, each])) })
      for (const what of await endStrays(store.stateDir, [...sandboxes.values()])) onDamage(what)
      await Promise.all([...sandboxes.values()].map((each) => (each.process ? look(each) : settleOrTell(each))))
      const running = [...sandboxes.values()].flatMap(({ containers }) => [...containers.values()])
      await cgroups?.retain(running.filter(({ exit }) => !exit).map(({ id }) => id))
    },
  }
}
