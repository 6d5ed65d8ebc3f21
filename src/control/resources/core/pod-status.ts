/** The computed cells of `kubectl get pods`. */
import type { Container, ContainerStatus, Pod } from '../../../api/types/index.ts'
import { humanDuration } from '../columns.ts'

const isSidecar = (container: Container | undefined): boolean => container?.restartPolicy === 'Always'

/** Init containers that go on beside the others count as containers. */
const sidecarStatuses = (pod: Pod): readonly ContainerStatus[] =>
  (pod.status?.initContainerStatuses ?? []).filter(({ name }) =>
    isSidecar(pod.spec.initContainers?.find((container) => container.name === name)),
  )

const counted = (pod: Pod): readonly ContainerStatus[] => [
  ...sidecarStatuses(pod),
  ...(pod.status?.containerStatuses ?? []),
]

export const podReadiness = (pod: Pod): string => {
  const total = pod.spec.containers.length + (pod.spec.initContainers ?? []).filter(isSidecar).length
  const ready = counted(pod).filter((status) => status.ready && status.state?.running).length
  return `${ready}/${total}`
}

/** `3 (2m10s ago)` */
export const podRestarts = (pod: Pod, now: number): string => {
  const initializing = initProblem(pod) !== undefined
  const statuses = initializing ? (pod.status?.initContainerStatuses ?? []) : counted(pod)
  const count = statuses.reduce((sum, status) => sum + status.restartCount, 0)
  const last = statuses
    .map((status) => status.lastState?.terminated?.finishedAt)
    .filter((time) => typeof time === 'string')
    .sort()
    .at(-1)
  return count > 0 && last !== undefined ? `${count} (${humanDuration(now - Date.parse(last))} ago)` : String(count)
}

const terminatedText = (state: { readonly exitCode: number; readonly signal?: number; readonly reason?: string }) => {
  if (state.reason) return state.reason
  return state.signal ? `Signal:${state.signal}` : `ExitCode:${state.exitCode}`
}

/** What the init containers hold the pod up with, or undefined when they are through. */
const initProblem = (pod: Pod): string | undefined => {
  const containers = pod.spec.initContainers ?? []
  const statuses = pod.status?.initContainerStatuses ?? []
  for (const [at, status] of statuses.entries()) {
    const { terminated, waiting } = status.state ?? {}
    if (terminated?.exitCode === 0) continue
    if (isSidecar(containers[at]) && status.started) continue
    if (terminated) return `Init:${terminatedText(terminated)}`
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`
    return `Init:${at}/${containers.length}`
  }
  return undefined
}

const containersText = (pod: Pod, fallback: string): string => {
  const statuses = pod.status?.containerStatuses ?? []
  let text = fallback
  let someRunning = false
  for (const { state, ready } of [...statuses].reverse()) {
    if (state?.waiting?.reason) text = state.waiting.reason
    else if (state?.terminated) text = terminatedText(state.terminated)
    else if (ready && state?.running) someRunning = true
  }
  if (text !== 'Completed' || !someRunning) return text
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  return isReady ? 'Running' : 'NotReady'
}

const schedulingGated = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated') ?? false

/** The STATUS cell: `Running`, `Init:1/2`, `CrashLoopBackOff`, `Completed`, `Terminating`, … */
export const podStatusText = (pod: Pod): string => {
  const phase = pod.status?.reason || pod.status?.phase || 'Unknown'
  const text = schedulingGated(pod) ? 'SchedulingGated' : (initProblem(pod) ?? containersText(pod, phase))
  if (pod.metadata.deletionTimestamp === undefined) return text
  if (pod.status?.reason === 'NodeLost') return 'Unknown'
  const finished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  return finished ? text : 'Terminating'
}
