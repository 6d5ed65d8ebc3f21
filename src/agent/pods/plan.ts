/** What to do next for a pod. Pure: the same view at the same time gives the same plan. */
import { allContainers, ephemeralContainersOf } from '../../api/pods.ts'
import type { Container } from '../../api/types/index.ts'
import type { ContainerRecord } from '../runtime/containers.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import { type BackOff, restartAfter } from './back-off.ts'
import { imageStep } from './images.ts'
import {
  currentOf,
  hasStarted,
  initsOf,
  isOver,
  isRunning,
  isSidecar,
  isTerminating,
  latestOf,
  type PodView,
  podLabel,
  sandboxFailure,
} from './view.ts'

export type Action =
  /** Makes the pod's namespaces and its network. */
  | { readonly do: 'start-sandbox' }
  /** Finds out the addresses of a pod from before the agent. */
  | { readonly do: 'attach-network' }
  /** Fetches the container's image; whoever waits for it hears of its end. */
  | { readonly do: 'pull-image'; readonly name: string }
  | { readonly do: 'start-container'; readonly name: string; readonly attempt: number; readonly restartsInARow: number }
  /** May be repeated while the container is ending; a shorter grace holds. */
  | { readonly do: 'stop-container'; readonly id: string; readonly graceMs: number; readonly why: string }
  /** Kills what is left, gives the network back and removes the volumes; keeps what is known about the containers. */
  | { readonly do: 'end-sandbox' }
  /** Drops everything that is known of the pod. */
  | { readonly do: 'forget' }
  /** Tells the API that the pod is gone from the node. */
  | { readonly do: 'delete-pod' }

export interface Waiting {
  readonly reason: string
  readonly message?: string
}

export interface Plan {
  readonly actions: readonly Action[]
  /** When time alone may change the plan. */
  readonly againAt?: number
  /** Why containers that should run do not, by name. */
  readonly waiting: ReadonlyMap<string, Waiting>
  /** The pod has to end, for this reason. */
  readonly failure?: { readonly reason: string; readonly message: string }
}

const nothing: ReadonlyMap<string, Waiting> = new Map()

export const graceOf = ({ pod, ending }: PodView): number => {
  const own = (pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
  return Math.min(own, ending?.graceMs ?? own)
}

const stop = (record: ContainerRecord, graceMs: number, why: string): Action => ({
  do: 'stop-container',
  ...{ id: record.id, graceMs, why },
})

/** Sidecars go last, the one that came first the very last. */
const nextToStop = (view: PodView): readonly ContainerRecord[] => {
  const running = (view.sandbox?.containers ?? []).filter(isRunning)
  const sidecars = initsOf(view).filter(isSidecar)
  const others = running.filter(({ name }) => !sidecars.some((each) => each.name === name))
  if (others.length > 0) return others
  const last = sidecars.findLast(({ name }) => running.some((record) => record.name === name))
  return running.filter(({ name }) => name === last?.name)
}

const planEnd = (view: PodView, then: readonly Action[]): Plan => {
  const stops = nextToStop(view).map((record) => stop(record, graceOf(view), `Stopping container ${record.name}`))
  const end: readonly Action[] = view.sandbox?.running || view.sandbox?.addresses ? [{ do: 'end-sandbox' }] : []
  return { actions: stops.length > 0 ? stops : [...end, ...then], waiting: nothing }
}

/** A mutable draft of a plan, for the one function that goes through the containers. */
interface Draft {
  readonly actions: Action[]
  readonly waiting: Map<string, Waiting>
  againAt: number
}

const later = (draft: Draft, at: number): void => {
  draft.againAt = Math.min(draft.againAt, at)
}

/** The first instance, or one more after those that an earlier boot of the node has seen. */
const firstAttempt = ({ pod }: PodView, name: string): number => {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  const known = [...initContainerStatuses, ...containerStatuses].find((each) => each.name === name)
  return known?.containerID ? known.restartCount + 1 : 0
}

/** True when the image of the container is there, or none is needed. */
const planImage = (view: PodView, draft: Draft, name: string, now: number): boolean => {
  const image = view.images.get(name)
  const step = image ? imageStep(image, latestOf(view, name)?.exit?.finishedAt ?? 0, now) : 'use'
  if (step === 'pull') draft.actions.push({ do: 'pull-image', name })
  else if (step !== 'use') {
    if (step.waiting) draft.waiting.set(name, step.waiting)
    if (step.at !== undefined) later(draft, step.at)
  }
  return step === 'use'
}

const planStart = (view: PodView, draft: Draft, name: string, now: number, backOff: BackOff): void => {
  const latest = latestOf(view, name)
  const failure = view.failures.get(name)
  const restart = latest ? restartAfter(latest, backOff) : { at: 0, delayMs: 0, restartsInARow: 0 }
  if (restart.at > now) {
    const message = `back-off ${restart.delayMs / 1000}s restarting failed container=${name} pod=${podLabel(view.pod)}`
    draft.waiting.set(name, { reason: 'CrashLoopBackOff', message })
    return later(draft, restart.at)
  }
  if (failure && failure.retryAt > now) {
    draft.waiting.set(name, failure)
    return later(draft, failure.retryAt)
  }
  if (!planImage(view, draft, name, now)) return
  const attempt = latest ? latest.attempt + 1 : firstAttempt(view, name)
  draft.actions.push({ do: 'start-container', ...{ name, attempt, restartsInARow: restart.restartsInARow } })
}

const planRunning = (view: PodView, draft: Draft, record: ContainerRecord, container: Container): void => {
  const { failed } = view.probe(record.id)
  const postStart = view.postStart(record.id)
  if (failed) {
    const probe = container[`${failed}Probe`]
    const graceMs =
      probe?.terminationGracePeriodSeconds === undefined ? graceOf(view) : probe.terminationGracePeriodSeconds * 1000
    draft.actions.push(stop(record, graceMs, `Container ${container.name} failed ${failed} probe, will be restarted`))
  } else if (typeof postStart === 'object') draft.actions.push(stop(record, graceOf(view), 'FailedPostStartHook'))
}

const shouldRestart = (view: PodView, { exit }: ContainerRecord): boolean => {
  const policy = view.pod.spec.restartPolicy ?? 'Always'
  return policy === 'Always' || (policy === 'OnFailure' && exit?.code !== 0)
}

/** Goes through the init containers in order; true when the others may start. */
const planInits = (view: PodView, draft: Draft, now: number, backOff: BackOff): boolean => {
  const mayHaveFailed = view.pod.spec.restartPolicy === 'Never'
  const areMainsStarted = view.pod.spec.containers.some(({ name }) => currentOf(view, name))
  let isComplete = true
  for (const container of initsOf(view)) {
    const current = currentOf(view, container.name)
    if (current && isRunning(current)) planRunning(view, draft, current, container)
    if (isSidecar(container)) {
      if (!isRunning(current)) planStart(view, draft, container.name, now, backOff)
      const isStarted = current && isRunning(current) && view.probe(current.id).started
      if (!isStarted && !areMainsStarted) return false
    } else if (!areMainsStarted && current?.exit?.code !== 0) {
      if (!isRunning(current) && !(current && mayHaveFailed)) planStart(view, draft, container.name, now, backOff)
      isComplete = false
      break
    }
  }
  return isComplete
}

const planMains = (view: PodView, draft: Draft, now: number, backOff: BackOff): void => {
  for (const container of view.pod.spec.containers) {
    const current = currentOf(view, container.name)
    const latest = latestOf(view, container.name)
    if (current && isRunning(current)) planRunning(view, draft, current, container)
    else if (!latest || shouldRestart(view, latest)) planStart(view, draft, container.name, now, backOff)
  }
}

/** True when nothing of the pod will ever run again. */
const isDone = (view: PodView): boolean => {
  const { containers, restartPolicy } = view.pod.spec
  const failedInit = initsOf(view).some((container) => {
    const code = latestOf(view, container.name)?.exit?.code
    return restartPolicy === 'Never' && !isSidecar(container) && code !== undefined && code !== 0
  })
  if (failedInit) return true
  return containers.every(({ name }) => {
    const latest = latestOf(view, name)
    return latest?.exit !== undefined && !shouldRestart(view, latest)
  })
}

/** When a pod with a deadline has to end. */
const deadlineOf = ({ pod }: PodView): number => {
  const { activeDeadlineSeconds } = pod.spec
  const { startTime } = pod.status ?? {}
  if (activeDeadlineSeconds === undefined || startTime === undefined) return Number.POSITIVE_INFINITY
  return Date.parse(startTime) + activeDeadlineSeconds * 1000
}

const unsupportedWaiting = (fields: readonly string[]): Waiting => ({
  ...{ reason: 'Unsupported', message: `this node's runtime cannot honour ${fields.join(', ')}` },
})

/** They need a pod that runs, and nothing waits for them. */
const planEphemeral = (view: PodView, draft: Draft, now: number, backOff: BackOff): void => {
  if (!view.sandbox?.running || !view.sandbox.addresses) return
  for (const { name } of ephemeralContainersOf(view.pod)) {
    if (hasStarted(view, name)) continue
    const unsupported = view.unsupportedOf.get(name) ?? []
    if (unsupported.length > 0) draft.waiting.set(name, unsupportedWaiting(unsupported))
    else planStart(view, draft, name, now, backOff)
  }
}

const planLife = (view: PodView, now: number, backOff: BackOff): Plan => {
  const draft: Draft = { actions: [], waiting: new Map(), againAt: deadlineOf(view) }
  if (planInits(view, draft, now, backOff)) planMains(view, draft, now, backOff)
  planEphemeral(view, draft, now, backOff)
  const { actions, waiting } = draft
  const again = Number.isFinite(draft.againAt) ? { againAt: draft.againAt } : {}
  const startsSome = actions.some((action) => action.do === 'start-container' || action.do === 'pull-image')
  if (startsSome && !view.sandbox?.running) {
    const failure = view.failures.get(sandboxFailure)
    if (failure && failure.retryAt > now) return { actions: [], waiting, againAt: failure.retryAt }
    // The rest of the plan depends on what is found in the new sandbox.
    return { actions: [{ do: 'start-sandbox' }], waiting, ...again }
  }
  if (view.sandbox?.running && !view.sandbox.addresses)
    return { actions: [{ do: 'attach-network' }], waiting, ...again }
  return { actions, waiting, ...again }
}

/** What to do next for a pod that the API knows. */
export const planPod = (view: PodView, now: number, backOff: BackOff): Plan => {
  if (isTerminating(view)) return planEnd(view, [{ do: 'forget' }, { do: 'delete-pod' }])
  if (isOver(view)) return planEnd(view, [])
  if (view.ending) {
    const { reason, message } = view.ending
    return { ...planEnd(view, []), failure: { reason, message } }
  }
  if (now >= deadlineOf(view)) {
    const message = 'Pod was active on the node longer than the specified deadline'
    return { ...planEnd(view, []), failure: { reason: 'DeadlineExceeded', message } }
  }
  if (isDone(view)) return planEnd(view, [])
  if (view.unsupported.length > 0) {
    const waiting = unsupportedWaiting(view.unsupported)
    return { actions: [], waiting: new Map(allContainers(view.pod).map(({ name }) => [name, waiting])) }
  }
  return planLife(view, now, backOff)
}

/** What to do next for a pod that has vanished from the API. */
export const planVanished = (view: PodView): Plan => planEnd(view, [{ do: 'forget' }])

/** The label by which a sandbox remembers its pod's grace period, in milliseconds. */
export const graceLabel = 'grace-ms'

/** What to do next for a sandbox whose pod nobody remembers. */
export const planOrphan = ({ containers, labels }: SandboxRecord): Plan => {
  const graceMs = Number(labels[graceLabel] ?? 0)
  const stops = containers.filter(isRunning).map((record) => stop(record, graceMs, `Stopping container ${record.name}`))
  return { actions: stops.length > 0 ? stops : [{ do: 'end-sandbox' }, { do: 'forget' }], waiting: nothing }
}
