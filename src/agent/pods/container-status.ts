/** What the API shows of one container. */
import { formatTime } from '../../api/clock.ts'
import type { Container, ContainerState, ContainerStatus } from '../../api/types/index.ts'
import type { ContainerExit, ContainerRecord } from '../runtime/containers.ts'
import type { Waiting } from './plan.ts'
import { currentOf, initsOf, instancesOf, isRunning, latestOf, type PodView } from './view.ts'

/** The containerID that the API shows for an instance, and what probes are remembered by. */
export const apiContainerId = (runtime: string, { id, apiId }: ContainerRecord): string => apiId ?? `${runtime}://${id}`

const exitReason = ({ code, oomKilled, startError }: ContainerExit): string => {
  if (startError !== undefined) return 'StartError'
  if (oomKilled) return 'OOMKilled'
  return code === 0 ? 'Completed' : 'Error'
}

const lastWords = ({ startError, message }: ContainerExit): { readonly message?: string } => {
  const words = startError ?? message
  return words === undefined ? {} : { message: words }
}

const terminated = ({ runtime }: PodView, record: ContainerRecord): ContainerState | undefined => {
  const { startedAt, exit } = record
  return (
    exit && {
      terminated: {
        exitCode: exit.code,
        reason: exitReason(exit),
        ...lastWords(exit),
        startedAt: formatTime(startedAt),
        finishedAt: formatTime(exit.finishedAt),
        containerID: apiContainerId(runtime, record),
      },
    }
  )
}

const waitingState = (view: PodView, container: Container, waiting: Waiting | undefined): ContainerState => {
  if (waiting) {
    const { reason, message } = waiting
    return { waiting: { reason, ...(message === undefined ? {} : { message }) } }
  }
  const isInit = initsOf(view).includes(container)
  const waitsForInits = view.sandbox?.running && initsOf(view).length > 0
  return { waiting: { reason: !isInit && waitsForInits ? 'PodInitializing' : 'ContainerCreating' } }
}

/** An ended instance shows as waiting while the next one is held back. */
const stateOf = (view: PodView, container: Container, waiting: Waiting | undefined): ContainerState => {
  const latest = instancesOf(view, container.name).at(-1)
  if (!latest) return waitingState(view, container, waiting)
  if (isRunning(latest)) return { running: { startedAt: formatTime(latest.startedAt) } }
  return waiting ? waitingState(view, container, waiting) : (terminated(view, latest) ?? {})
}

const isReady = (view: PodView, container: Container): boolean => {
  const current = currentOf(view, container.name)
  const isInit = initsOf(view).includes(container) && container.restartPolicy !== 'Always'
  // An init container is ready when it is done, and stays so when its pod is.
  if (isInit) return (view.sandbox?.running ? current : latestOf(view, container.name))?.exit?.code === 0
  if (!current || !isRunning(current)) return false
  return view.postStart(current.id) === 'none' && view.probe(current.id).ready
}

/** The status of a container, with what the API showed of it before the node forgot. */
export const containerStatus = (
  view: PodView,
  container: Container,
  waiting: Waiting | undefined,
  before: ContainerStatus | undefined,
): ContainerStatus => {
  const instances = instancesOf(view, container.name)
  const latest = instances.at(-1)
  const state = stateOf(view, container, waiting)
  const previous = state.waiting && latest?.exit ? latest : instances.at(-2)
  const lastState = (previous && terminated(view, previous)) ?? (latest ? {} : (before?.lastState ?? {}))
  const containerID = latest ? apiContainerId(view.runtime, latest) : before?.containerID
  return {
    name: container.name,
    state,
    lastState,
    ready: isReady(view, container),
    started: isRunning(latest) && latest !== undefined && view.probe(latest.id).started,
    restartCount: latest?.attempt ?? before?.restartCount ?? 0,
    image: latest?.image?.name ?? container.image ?? '',
    imageID: latest?.image?.digest ?? '',
    ...(containerID === undefined ? {} : { containerID }),
  }
}

/** An end that nobody saw, in the kubelet's words. */
const lost = (containerID: string): ContainerState => ({
  terminated: {
    ...{ exitCode: 137, reason: 'ContainerStatusUnknown', containerID },
    message: 'The container could not be located when the pod was deleted.  The container used to be Running',
  },
})

/** The same of one that was added to look into the pod: it is started once, and nobody asks whether it is ready. */
export const ephemeralStatus = (
  view: PodView,
  container: Container,
  waiting: Waiting | undefined,
  before: ContainerStatus | undefined,
): ContainerStatus => {
  const { started: _, ...status } = containerStatus(view, container, waiting, before)
  const { containerID, state } = before ?? {}
  const isGone = containerID !== undefined && instancesOf(view, container.name).length === 0
  const shown = isGone ? { state: state?.terminated ? state : lost(containerID) } : {}
  return { ...status, ...shown, ready: false }
}
