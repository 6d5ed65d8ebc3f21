/** The sandboxes and containers known to an agent, and finding out which of them have ended. */
import { type Clock, sleep } from '../../../api/clock.ts'
import type { Cgroups } from '../../../host/cgroup.ts'
import type { Logger } from '../../../host/log.ts'
import { isRunning, signalProcess } from '../../../host/process.ts'
import type { ContainerExit } from '../containers.ts'
import { byNameAndAttempt } from '../ids.ts'
import type { OnChange, OnDamage } from '../runtime.ts'
import type { SandboxRecord, SandboxSpec } from '../sandboxes.ts'
import type { SandboxProcess, StateStore, StoredContainer } from './state.ts'
import { endStrays } from './strays.ts'

export interface Sandbox<C extends StoredContainer> {
  readonly spec: SandboxSpec
  /** The first process in its namespaces, while it runs. */
  process: SandboxProcess | undefined
  readonly containers: Map<string, C>
}

/** What containers leave on the node besides their records. */
export interface Leftovers<C extends StoredContainer> {
  /** What one said of its end. */
  lastWords(container: C, exitCode: number): Promise<string | undefined>
  /** Of one that has ended. Safe to repeat. */
  drop(container: string): Promise<void>
  /** Drops those of all containers but these: what an earlier life has left. */
  retain(containers: readonly string[]): Promise<void>
}

export interface LiveOptions<C extends StoredContainer> {
  readonly store: StateStore<C>
  readonly leftovers: Leftovers<C> | undefined
  readonly cgroups: Cgroups | undefined
  readonly onChange: OnChange
  readonly onDamage: OnDamage
  readonly log: Logger
  readonly clock: Clock
}

/** What a container gets that was killed together with the shim that would have told its exit code. */
const killed = 137
const endTimeoutMs = 10_000

/** How the runtime of this name shows a sandbox to others. */
export const toRecord = <C extends StoredContainer>(
  runtime: string,
  { spec, process, containers }: Sandbox<C>,
): SandboxRecord => ({
  id: spec.id,
  namespace: spec.namespace,
  name: spec.name,
  runtime,
  hostNetwork: spec.hostNetwork,
  labels: spec.labels,
  running: process !== undefined,
  pid: process?.pid ?? 0,
  containers: [...containers.values()]
    .map(({ id, name, attempt, image, logFile, labels, startedAt, exit }) => ({
      ...{ id, name, attempt, logFile, labels, startedAt },
      ...(image ? { image } : {}),
      ...(exit ? { exit } : {}),
    }))
    .sort(byNameAndAttempt),
})

const runs = async ({ pid, startTime, holder }: SandboxProcess): Promise<boolean> => {
  if (!(await isRunning({ pid, startTime }))) return false
  if (!holder || (await isRunning(holder))) return true
  // No container could be started in it any longer.
  signalProcess(pid, 'SIGKILL')
  return false
}

/** Nothing is read before `load`, which brings back what an earlier agent knew. */
export const createLiveSandboxes = <C extends StoredContainer>(options: LiveOptions<C>) => {
  const { store, leftovers, cgroups, onChange, onDamage, log, clock } = options
  const sandboxes = new Map<string, Sandbox<C>>()
  const settling = new Map<string, Promise<void>>()
  const startErrors = new Map<string, string>()

  const exitOf = async (container: C): Promise<ContainerExit | undefined> => {
    const isOver = !(await isRunning(container.process))
    // Read after the look at the process: one that is over has written what it ever will.
    const noted = await store.readExit(container.id)
    if (!noted && !isOver) return undefined
    const exit = noted ?? { code: killed, finishedAt: clock.now() }
    const oomKilled = exit.code === killed && ((await cgroups?.oomKills(container.id)) ?? 0) > 0
    const startError = startErrors.get(container.id)
    const message = await leftovers?.lastWords(container, exit.code)
    return {
      ...{ ...exit, oomKilled },
      ...(startError === undefined ? {} : { startError }),
      ...(message ? { message } : {}),
    }
  }

  const settle = async (sandbox: Sandbox<C>, id: string): Promise<void> => {
    const container = sandbox.containers.get(id)
    if (!container || container.exit) return
    const exit = await exitOf(container)
    if (!exit) return
    const ended = { ...container, exit }
    await store.saveContainer(ended)
    sandbox.containers.set(id, ended)
    startErrors.delete(id)
    onChange(sandbox.spec.id)
    await cgroups?.destroy(id)
    await leftovers?.drop(id)
  }

  /** Finds out whether a container has ended; looks at one container follow each other. */
  const lookAt = (sandbox: Sandbox<C>, id: string): Promise<void> => {
    const look = (settling.get(id) ?? Promise.resolve())
      .then(() => settle(sandbox, id))
      .catch((error: unknown) => log.error({ err: error, container: id }, 'cannot settle an ended container'))
      .finally(() => settling.get(id) === look && settling.delete(id))
    settling.set(id, look)
    return look
  }

  /** Finds out what of a sandbox has ended. */
  const look = async (sandbox: Sandbox<C>): Promise<void> => {
    const { process } = sandbox
    if (process && !(await runs(process)) && sandbox.process === process) {
      sandbox.process = undefined
      onChange(sandbox.spec.id)
    }
    const running = [...sandbox.containers.values()].filter(({ exit }) => !exit)
    // As long as its shim runs, a container tells of its end by the file, which is watched.
    for (const container of running) if (!(await isRunning(container.process))) await lookAt(sandbox, container.id)
  }

  /** Looks until everything in the sandbox is over. Throws when that takes too long. */
  const settleAll = async (sandbox: Sandbox<C>): Promise<void> => {
    for (const deadline = Date.now() + endTimeoutMs; ; await sleep(5)) {
      await look(sandbox)
      const left = [...sandbox.containers.values()].filter(({ exit }) => !exit).map(({ id }) => id)
      if (!sandbox.process && left.length === 0) break
      if (Date.now() > deadline) throw new Error(`killed but not gone: sandbox ${sandbox.spec.id} ${left.join(' ')}`)
    }
    // What they leave behind is removed once their ends are on record.
    await Promise.all([...sandbox.containers.keys()].map((id) => settling.get(id)))
  }

  /** What was in a sandbox without a first process is ending: its shims write down how. */
  const settleOrTell = (sandbox: Sandbox<C>): Promise<void> =>
    settleAll(sandbox).catch((error: unknown) => log.error({ err: error }, 'cannot settle a sandbox that ended'))

  return {
    look,
    lookAt,
    settleAll,
    get: (id: string): Sandbox<C> | undefined => sandboxes.get(id),
    all: (): readonly Sandbox<C>[] => [...sandboxes.values()],
    set: (sandbox: Sandbox<C>): void => void sandboxes.set(sandbox.spec.id, sandbox),
    delete: (id: string): void => void sandboxes.delete(id),
    /** Says why a container that is about to end was never run. */
    noteStartError: (container: string, why: string): void => void startErrors.set(container, why),

    load: async (): Promise<void> => {
      for (const { spec, process, containers } of await store.load(onDamage))
        sandboxes.set(spec.id, { spec, process, containers: new Map(containers.map((each) => [each.id, each])) })
      for (const what of await endStrays(store.stateDir, [...sandboxes.values()])) onDamage(what)
      await Promise.all([...sandboxes.values()].map((each) => (each.process ? look(each) : settleOrTell(each))))
      const known = [...sandboxes.values()].flatMap(({ containers }) => [...containers.values()])
      const running = known.filter(({ exit }) => !exit).map(({ id }) => id)
      await cgroups?.retain(running)
      await leftovers?.retain(running)
    },
  }
}
