/**
 * The life of a pod that nobody runs, as its node would tell of it. Pure: the same pod at the same time gives the same
 * answer, so whoever starts anew goes on where the API says that the one before was.
 */
import { isFinished, withEphemeralContainers } from '../../api/pods.ts'
import type { Container, Pod, PodStatus } from '../../api/types/index.ts'
import type { Plan } from '../pods/plan.ts'
import { podStatus } from '../pods/pod-status.ts'
import { isSidecar, lifeLabel, type PodView } from '../pods/view.ts'
import type { ContainerExit, ContainerRecord } from '../runtime/containers.ts'
import { containerId } from '../runtime/ids.ts'
import { podScript } from './pod-script.ts'

export interface PodDelays {
  /** From when its node hears of the pod until its containers run. */
  readonly startMs: number
  /** How long those run that are to come to an end, unless the pod says it. */
  readonly runMs: number
  /** How long containers take to obey when they are asked to end; they are killed when the pod's grace period is over. */
  readonly stopMs: number
}

/** What the node knows of the pod beside the object. */
export interface PodPlace {
  /** When the node heard of it, in milliseconds since 1970. */
  readonly since: number
  readonly addresses: readonly string[]
  readonly hostIPs: readonly string[]
}

export interface PodLook {
  readonly status: PodStatus
  /** Nothing of it is left on the node: it may be deleted for good. */
  readonly isGone: boolean
  /** When time alone changes this. */
  readonly againAt: number | undefined
}

/** How all of the pod's containers end, and when. */
interface End {
  readonly at: number
  readonly code: number
  readonly failure?: NonNullable<Plan['failure']>
}

export const simulatedRuntime = 'simulated'

const terminated = 128 + 15
const killed = 128 + 9

/** Of a pod that an earlier process has started, by the word of the API. */
const knownStart = ({ status, spec }: Pod): number | undefined => {
  const first = status?.containerStatuses?.find(({ name }) => name === spec.containers[0]?.name)
  const startedAt = first?.state?.running?.startedAt ?? first?.state?.terminated?.startedAt
  const ms = Date.parse(startedAt ?? '')
  return Number.isNaN(ms) ? undefined : ms
}

const deletionOf = ({ metadata, spec }: Pod, { stopMs }: PodDelays): End | undefined => {
  if (metadata.deletionTimestamp === undefined) return undefined
  const graceMs = (metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30) * 1000
  const askedAt = Date.parse(metadata.deletionTimestamp) - graceMs
  return { at: askedAt + Math.min(stopMs, graceMs), code: stopMs <= graceMs ? terminated : killed }
}

const deadlineOf = ({ spec, status }: Pod, startedAt: number): End | undefined => {
  if (spec.activeDeadlineSeconds === undefined) return undefined
  const from = status?.startTime === undefined ? startedAt : Date.parse(status.startTime)
  const message = 'Pod was active on the node longer than the specified deadline'
  const failure = { reason: 'DeadlineExceeded', message }
  return { at: from + spec.activeDeadlineSeconds * 1000, code: terminated, failure }
}

const completionOf = (pod: Pod, startedAt: number, { runMs }: PodDelays): End | undefined => {
  const script = podScript(pod, runMs)
  return script.runMs === undefined ? undefined : { at: startedAt + script.runMs, code: script.exitCode }
}

/** What comes first. */
const endOf = (pod: Pod, startedAt: number, delays: PodDelays): End | undefined =>
  [completionOf(pod, startedAt, delays), deadlineOf(pod, startedAt), deletionOf(pod, delays)]
    .filter((end) => end !== undefined)
    .reduce<End | undefined>((first, end) => (first && first.at <= end.at ? first : end), undefined)

const exitOf = (code: number, finishedAt: number): ContainerExit => ({ code, finishedAt, oomKilled: false })

const recordOf = (
  pod: Pod,
  container: Container,
  startedAt: number,
  exit: ContainerExit | undefined,
): ContainerRecord => ({
  ...{ id: containerId(pod.metadata.uid ?? '', container.name, 0), name: container.name, attempt: 0 },
  ...{ logFile: '', labels: { [lifeLabel]: '1' }, startedAt },
  ...(exit ? { exit } : {}),
})

const containersAt = (pod: Pod, startedAt: number, end: End | undefined): readonly ContainerRecord[] => {
  const exit = end && exitOf(end.code, Math.max(end.at, startedAt))
  const inits = new Set(pod.spec.initContainers?.filter((container) => !isSidecar(container)))
  return withEphemeralContainers(pod).map((container) =>
    recordOf(pod, container, startedAt, inits.has(container) ? exitOf(0, startedAt) : exit),
  )
}

const viewOf = (pod: Pod, place: PodPlace, sandbox: PodView['sandbox']): PodView => ({
  ...{ pod, sandbox, runtime: simulatedRuntime, hostIPs: place.hostIPs, unsupported: [], unsupportedOf: new Map() },
  ...{ lastAddresses: sandbox?.addresses, failures: new Map(), images: new Map() },
  probe: () => ({ started: true, ready: true }),
  postStart: () => 'none',
})

/** Its sandbox with all of its containers; `end` once that has come. */
const begunView = (pod: Pod, place: PodPlace, startedAt: number, end: End | undefined): PodView =>
  viewOf(pod, place, {
    ...{ id: pod.metadata.uid ?? '', namespace: pod.metadata.namespace ?? '', name: pod.metadata.name },
    ...{ runtime: simulatedRuntime, hostNetwork: pod.spec.hostNetwork ?? false, labels: { [lifeLabel]: '1' } },
    ...{ running: end === undefined, pid: 0, addresses: place.addresses },
    containers: containersAt(pod, startedAt, end),
  })

/** What the node of a pod says of it at `now`. */
export const lookAtPod = (pod: Pod, place: PodPlace, delays: PodDelays, now: number): PodLook => {
  const isDeleted = pod.metadata.deletionTimestamp !== undefined
  if (isFinished(pod)) return { status: pod.status ?? {}, isGone: isDeleted, againAt: undefined }
  const plan: Plan = { actions: [], waiting: new Map() }
  const startedAt = knownStart(pod) ?? place.since + delays.startMs
  if (now < startedAt || (isDeleted && knownStart(pod) === undefined))
    return {
      status: podStatus(viewOf(pod, place, undefined), plan, now),
      ...(isDeleted ? { isGone: true, againAt: undefined } : { isGone: false, againAt: startedAt }),
    }
  const end = endOf(pod, startedAt, delays)
  const isOver = end !== undefined && end.at <= now
  const view = begunView(pod, place, startedAt, isOver ? end : undefined)
  return {
    status: podStatus(view, isOver && end.failure ? { ...plan, failure: end.failure } : plan, now),
    isGone: isOver && isDeleted,
    againAt: isOver ? undefined : end?.at,
  }
}
