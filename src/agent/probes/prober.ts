/** Probes running containers, each kind on a timer of its own, and knows what came of it. */
import type { Clock } from '../../api/clock.ts'
import type { HandlerTarget, RunHandler } from './handler.ts'
import { startProbeTimer } from './probe-timer.ts'
import type { ProbeKind } from './schedule.ts'

export interface ProbeTarget extends HandlerTarget {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** What was known of a container before the agent was started. */
  readonly before?: { readonly started: boolean; readonly ready: boolean }
  /** It is on its way out: only its readiness is still of interest, and nobody is warned when that goes. */
  readonly isStopping: boolean
}

export interface ProbeResult {
  readonly started: boolean
  readonly ready: boolean
  /** The probe that wants the container restarted. */
  readonly failed?: 'startup' | 'liveness'
}

export interface ProberOptions {
  readonly run: RunHandler
  readonly clock: Clock
  /** From 0 to 1: spreads the probes of containers that were running before. */
  readonly random: () => number
  /** A result has changed. */
  readonly onChange: (pod: string) => void
  /** A probe of a container that is meant to go on has failed. */
  readonly onFailure: (pod: string, container: string, kind: ProbeKind, complaint: string) => void
}

export interface Prober {
  /** Probes exactly these containers of a pod from now on. */
  sync(pod: string, targets: readonly ProbeTarget[]): void
  /** What is known of a container; one that is not probed is neither started nor ready. */
  result(containerId: string): ProbeResult
  /** Stops all probes. */
  stop(): void
}

interface Watched {
  readonly pod: string
  target: ProbeTarget
  result: ProbeResult
  readonly timers: Map<ProbeKind, () => void>
}

const unknown: ProbeResult = { started: false, ready: false }

const firstResult = ({ container, before }: ProbeTarget): ProbeResult => {
  const started = before?.started || !container.startupProbe
  return { started, ready: started && (container.readinessProbe ? (before?.ready ?? false) : true) }
}

const withVerdict = (result: ProbeResult, kind: ProbeKind, isGood: boolean, target: ProbeTarget): ProbeResult => {
  if (kind === 'readiness') return { ...result, ready: isGood }
  if (!isGood) return { ...result, failed: kind }
  return kind === 'startup' ? { started: true, ready: !target.container.readinessProbe } : result
}

/** It is meant to go on running. */
const isKept = ({ target, result }: Watched): boolean => !target.isStopping && !result.failed

/** The kinds that should run now. */
const wantedKinds = (one: Watched): readonly ProbeKind[] => {
  const { target, result } = one
  const { startupProbe, readinessProbe, livenessProbe } = target.container
  const isWatched = isKept(one)
  if (!result.started) return startupProbe && isWatched ? ['startup'] : []
  return [
    ...(readinessProbe ? (['readiness'] as const) : []),
    ...(livenessProbe && isWatched ? (['liveness'] as const) : []),
  ]
}

export const createProber = ({ run, clock, random, onChange, onFailure }: ProberOptions): Prober => {
  const watched = new Map<string, Watched>()

  const conclude = (one: Watched, kind: ProbeKind, isGood: boolean): void => {
    const before = one.result
    one.result = withVerdict(before, kind, isGood, one.target)
    adjust(one)
    const { started, ready, failed } = one.result
    if (started !== before.started || ready !== before.ready || failed !== before.failed) onChange(one.pod)
  }

  /** Starts and stops timers until just the wanted ones run. */
  const adjust = (one: Watched): void => {
    const wanted = wantedKinds(one)
    for (const [kind, stop] of one.timers)
      if (!wanted.includes(kind)) {
        stop()
        one.timers.delete(kind)
      }
    for (const kind of wanted) {
      const probe = one.target.container[`${kind}Probe`]
      if (!probe || one.timers.has(kind)) continue
      const timer = startProbeTimer({
        ...{ kind, probe, clock, random, startedAt: one.target.startedAt, isAdopted: one.target.before !== undefined },
        run: (handler, timeoutMs) => run(handler, one.target, timeoutMs),
        onVerdict: (isGood) => conclude(one, kind, isGood),
        onFailure: (complaint) => {
          if (isKept(one)) onFailure(one.pod, one.target.container.name, kind, complaint)
        },
      })
      one.timers.set(kind, timer)
    }
  }

  const forget = (id: string, { timers }: Watched): void => {
    for (const stop of timers.values()) stop()
    watched.delete(id)
  }

  return {
    sync: (pod, targets) => {
      const ids = new Set(targets.map(({ containerId }) => containerId))
      for (const [id, one] of watched) if (one.pod === pod && !ids.has(id)) forget(id, one)
      for (const target of targets) {
        const known = watched.get(target.containerId)
        const one = known ?? { pod, target, result: firstResult(target), timers: new Map<ProbeKind, () => void>() }
        one.target = known ? { ...target, before: known.target.before } : target
        watched.set(target.containerId, one)
        adjust(one)
      }
    },
    result: (containerId) => watched.get(containerId)?.result ?? unknown,
    stop: () => {
      for (const [id, one] of watched) forget(id, one)
    },
  }
}
