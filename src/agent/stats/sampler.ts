/** Reads from time to time what is used here, so that whoever asks gets means over a window at once. */
import { type Clock, sleep, steadyClock, systemClock } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'
import type { InterfaceCounters, Usage } from '../usage/usage.ts'

/** What containers are measured in. */
export interface MeasuredSandbox {
  readonly id: string
  readonly hostNetwork: boolean
  readonly running: boolean
  readonly pid: number
  readonly containers: readonly { readonly id: string; readonly startedAt: number; readonly exit?: unknown }[]
}

/** Where the numbers come from. Each is called once in a pass. */
export interface StatsSources {
  sandboxes(): Promise<readonly MeasuredSandbox[]>
  /** Of all running containers, by id. */
  containers(): Promise<ReadonlyMap<string, Usage>>
  machine(): Usage
  /** Of this process. */
  agent(): Usage
  network(pid: number | 'self'): readonly InterfaceCounters[]
}

/** Usage, and the rate at which CPU time was used. */
export interface Measured extends Usage {
  /** Missing until there is something to compare with. */
  readonly rate?: { readonly nanoCores: number; readonly windowSeconds: number }
}

export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly machine: Measured
  readonly agent: Measured
  readonly network: readonly InterfaceCounters[]
  /** By container id. */
  readonly containers: ReadonlyMap<string, Measured>
  /** By sandbox id; of those with a network of their own. */
  readonly networks: ReadonlyMap<string, readonly InterfaceCounters[]>
  /** The CPU time that it took to read all this. */
  readonly tookMs: number
}

export interface Sampler {
  /** The latest sample, the first one when there was none yet. Rejects when nothing can be read. */
  latest(): Promise<Sample>
  /** Takes samples until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

export interface SamplerOptions {
  readonly sources: StatsSources
  readonly log: Logger
  /** Told of every pass. */
  readonly onPass?: (milliseconds: number) => void
  readonly clock?: Clock
  /** Goes only forward. */
  readonly steady?: Clock
  /** The CPU time that this thread has used, in milliseconds. */
  readonly spentMs?: () => number
}

const periodMs = 5_000
/** A pass that takes longer is made less often: no more than one part in so many of a CPU. */
const share = 200
/** A window is as long as so many periods. */
const windowPeriods = 3
/** However dear it is. */
const longestPeriodMs = 30_000
/** Over less, a rate says little. */
const leastWindowMs = 500

interface Pass extends Omit<Sample, 'machine' | 'agent' | 'containers'> {
  readonly steadyAt: number
  readonly machine: Usage
  readonly agent: Usage
  readonly containers: ReadonlyMap<string, Usage>
  readonly startedAt: ReadonlyMap<string, number>
}

const rateOver = (nanoseconds: number, ms: number): Measured['rate'] => ({
  // Time of what has ended may be lost.
  nanoCores: Math.max(0, Math.round((nanoseconds * 1000) / ms)),
  windowSeconds: Math.max(1, Math.round(ms / 1000)),
})

/** Against the oldest of the passes before; a container that is younger than all of them, against its start. */
const rateOf = (
  before: readonly Pass[],
  { at, steadyAt }: Pass,
  used: number,
  usedIn: (pass: Pass) => number | undefined,
  startedAt?: number,
): Measured['rate'] | undefined => {
  for (const pass of before) {
    const then = usedIn(pass)
    if (then !== undefined && steadyAt - pass.steadyAt >= leastWindowMs)
      return rateOver(used - then, steadyAt - pass.steadyAt)
  }
  const age = startedAt === undefined ? 0 : at - startedAt
  return age >= leastWindowMs && age <= windowPeriods * periodMs ? rateOver(used, age) : undefined
}

const withRate = (usage: Usage, rate: Measured['rate'] | undefined): Measured => (rate ? { ...usage, rate } : usage)

/** The latest pass, compared with those before, oldest first. Pure. */
export const sampleOf = (before: readonly Pass[], latest: Pass): Sample => {
  const { at, network, containers, networks, startedAt, tookMs } = latest
  const whole = (part: 'machine' | 'agent'): Measured =>
    withRate(
      latest[part],
      rateOf(before, latest, latest[part].cpuNanoseconds, (pass) => pass[part].cpuNanoseconds),
    )
  return {
    ...{ at, network, networks, tookMs },
    machine: whole('machine'),
    agent: whole('agent'),
    containers: new Map(
      [...containers].map(([id, usage]) => {
        const usedIn = (pass: Pass): number | undefined => pass.containers.get(id)?.cpuNanoseconds
        return [id, withRate(usage, rateOf(before, latest, usage.cpuNanoseconds, usedIn, startedAt.get(id)))]
      }),
    ),
  }
}

const ownCpuMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

export const createSampler = (options: SamplerOptions): Sampler => {
  const { sources, log, onPass, clock = systemClock, steady = steadyClock, spentMs = ownCpuMs } = options
  let passes: readonly Pass[] = []
  let sample: Sample | undefined
  let taking: Promise<Sample> | undefined

  const pass = async (): Promise<Pass> => {
    const sandboxes = (await sources.sandboxes()).filter(({ running }) => running)
    const began = spentMs()
    const containers = await sources.containers()
    return {
      ...{ at: clock.now(), steadyAt: steady.now(), containers },
      ...{ machine: sources.machine(), agent: sources.agent(), network: sources.network('self') },
      networks: new Map(
        sandboxes.flatMap(({ id, pid, hostNetwork }) => (hostNetwork ? [] : [[id, sources.network(pid)] as const])),
      ),
      startedAt: new Map(
        sandboxes.flatMap((sandbox) => sandbox.containers.map(({ id, startedAt }) => [id, startedAt] as const)),
      ),
      tookMs: spentMs() - began,
    }
  }

  const take = async (): Promise<Sample> => {
    const latest = await pass()
    const taken = sampleOf(passes, latest)
    passes = [...passes, latest].slice(-windowPeriods)
    sample = taken
    onPass?.(taken.tookMs)
    return taken
  }

  /** One at a time. */
  const next = (): Promise<Sample> => {
    taking ??= take().finally(() => {
      taking = undefined
    })
    return taking
  }

  return {
    latest: async () => sample ?? next(),
    run: async (signal) => {
      let failure = ''
      while (!signal.aborted) {
        let tookMs = 0
        try {
          tookMs = (await next()).tookMs
          failure = ''
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error)
          if (why !== failure) log.warn({ err: error }, 'cannot measure what pods use; retrying')
          failure = why
        }
        await sleep(Math.min(longestPeriodMs, Math.max(periodMs, share * tookMs)), signal, clock)
      }
    },
  }
}
