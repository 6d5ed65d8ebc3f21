/** The conditions of a pod that its node is in charge of. */
import { formatTime } from '../../api/clock.ts'
import type { ContainerStatus, Pod, PodCondition, PodPhase } from '../../api/types/index.ts'
import { initsOf, isRunning, isSidecar, latestOf, type PodView } from './view.ts'

/** A condition without its times. */
interface Finding {
  readonly type: string
  readonly isTrue: boolean
  readonly reason?: string
  readonly message?: string
}

const unready = (statuses: readonly ContainerStatus[], kind: string): string =>
  `containers with ${kind} status: [${statuses.map(({ name }) => name).join(' ')}]`

const isInitialized = (view: PodView, name: string): boolean => {
  const container = initsOf(view).find((each) => each.name === name)
  const latest = latestOf(view, name)
  if (!container || !latest) return false
  return isSidecar(container) ? isRunning(latest) && view.probe(latest.id).started : latest.exit?.code === 0
}

const initialized = (view: PodView, phase: PodPhase, inits: readonly ContainerStatus[]): Finding => {
  const type = 'Initialized'
  if (phase === 'Succeeded') return { type, isTrue: true, reason: 'PodCompleted' }
  // Sidecars end with the pod, and were initialized all the same.
  const areMainsStarted = view.pod.spec.containers.some(({ name }) => latestOf(view, name))
  const missing = areMainsStarted ? [] : inits.filter(({ name }) => !isInitialized(view, name))
  if (missing.length === 0) return { type, isTrue: true }
  return { type, isTrue: false, reason: 'ContainersNotInitialized', message: unready(missing, 'incomplete') }
}

const containersReady = (phase: PodPhase, statuses: readonly ContainerStatus[]): Finding => {
  const type = 'ContainersReady'
  if (phase === 'Succeeded') return { type, isTrue: false, reason: 'PodCompleted' }
  if (phase === 'Failed') return { type, isTrue: false, reason: 'PodFailed' }
  const missing = statuses.filter(({ ready }) => !ready)
  if (missing.length === 0) return { type, isTrue: true }
  return { type, isTrue: false, reason: 'ContainersNotReady', message: unready(missing, 'unready') }
}

const ready = ({ pod, networkTrouble }: PodView, containers: Finding): Finding => {
  const type = 'Ready'
  if (!containers.isTrue) return { ...containers, type }
  if (networkTrouble !== undefined) return { type, isTrue: false, reason: 'NetworkNotReady', message: networkTrouble }
  const known = pod.status?.conditions ?? []
  const missing = (pod.spec.readinessGates ?? [])
    .map(({ conditionType }) => ({ conditionType, found: known.find((each) => each.type === conditionType) }))
    .filter(({ found }) => found?.status !== 'True')
    .map(({ conditionType, found }) =>
      found
        ? `the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`
        : `corresponding condition of pod readiness gate "${conditionType}" does not exist.`,
    )
  if (missing.length === 0) return { type, isTrue: true }
  return { type, isTrue: false, reason: 'ReadinessGatesNotReady', message: missing.join(', ') }
}

/** Who replaces the pod can tell by it that it was not the pod that failed. */
const disruption = ({ ending }: PodView): readonly Finding[] =>
  ending?.isDisruption
    ? [{ type: 'DisruptionTarget', isTrue: true, reason: 'TerminationByKubelet', message: ending.message }]
    : []

/** The time of a condition moves only when its status does. */
const toCondition = (
  { type, isTrue, reason, message }: Finding,
  before: PodCondition | undefined,
  now: number,
): PodCondition => {
  const status = isTrue ? 'True' : 'False'
  return {
    ...{ type, status },
    lastTransitionTime: (before?.status === status && before.lastTransitionTime) || formatTime(now),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  }
}

/** Ours in place of what was there; those of others stay. */
const merged = (pod: Pod, findings: readonly Finding[], now: number): readonly PodCondition[] => {
  const before = pod.status?.conditions ?? []
  const own = findings.map((finding) =>
    toCondition(
      finding,
      before.find(({ type }) => type === finding.type),
      now,
    ),
  )
  const others = before.filter(({ type }) => !findings.some((finding) => finding.type === type))
  return [...own, ...others]
}

/** All conditions of the pod, for the given phase and container statuses. */
export const podConditions = (
  view: PodView,
  phase: PodPhase,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
  now: number,
): readonly PodCondition[] => {
  const sidecars = inits.filter(({ name }) => initsOf(view).some((each) => each.name === name && isSidecar(each)))
  const containers = containersReady(phase, [...sidecars, ...mains])
  const isScheduled = view.pod.status?.conditions?.some(({ type }) => type === 'PodScheduled')
  const findings: readonly Finding[] = [
    { type: 'PodReadyToStartContainers', isTrue: Boolean(view.sandbox?.running && view.sandbox.addresses) },
    initialized(view, phase, inits),
    ready(view, containers),
    containers,
    ...(isScheduled ? [] : [{ type: 'PodScheduled', isTrue: true }]),
    ...disruption(view),
  ]
  return merged(view.pod, findings, now)
}
