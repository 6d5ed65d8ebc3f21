/** The status of a pod, from what is found on the node. Pure. */
import { formatTime } from '../../api/clock.ts'
import { allContainers, ephemeralContainersOf } from '../../api/pods.ts'
import type { ContainerStatus, PodPhase, PodStatus } from '../../api/types/index.ts'
import { podConditions } from './conditions.ts'
import { containerStatus, ephemeralStatus } from './container-status.ts'
import type { Plan } from './plan.ts'
import { initsOf, isOver, isRunning, isSidecar, isTerminating, latestOf, type PodView } from './view.ts'

/** Whether every init container has done what the others wait for. */
const areInitsDone = (view: PodView): boolean =>
  view.pod.spec.containers.some(({ name }) => latestOf(view, name)) ||
  initsOf(view).every((container) => isSidecar(container) || latestOf(view, container.name)?.exit?.code === 0)

const didInitFail = (view: PodView): boolean =>
  view.pod.spec.restartPolicy === 'Never' &&
  initsOf(view).some((container) => !isSidecar(container) && (latestOf(view, container.name)?.exit?.code ?? 0) !== 0)

/** The phase of the main containers, as the kubelet reckons it. */
const phaseOf = (view: PodView, plan: Plan): PodPhase => {
  const { containers, restartPolicy = 'Always' } = view.pod.spec
  const own = new Set(allContainers(view.pod).map(({ name }) => name))
  const isAnyRunning = (view.sandbox?.containers ?? []).some((each) => isRunning(each) && own.has(each.name))
  if (plan.failure && !isAnyRunning) return 'Failed'
  if (didInitFail(view)) return 'Failed'
  const latest = containers.map(({ name }) => latestOf(view, name))
  if (!areInitsDone(view) || latest.some((record) => !record))
    return isTerminating(view) && !isAnyRunning ? 'Failed' : 'Pending'
  if (latest.some(isRunning)) return 'Running'
  const areAllGood = latest.every((record) => record?.exit?.code === 0)
  if (restartPolicy !== 'Always' || isTerminating(view)) {
    if (areAllGood) return 'Succeeded'
    if (restartPolicy === 'Never' || isTerminating(view)) return 'Failed'
  }
  return 'Running'
}

const finalPhase = (view: PodView, plan: Plan): PodPhase => {
  const { phase } = view.pod.status ?? {}
  // An end is final.
  return phase === 'Succeeded' || phase === 'Failed' ? phase : phaseOf(view, plan)
}

const addressFields = ({ lastAddresses, hostIPs, pod }: PodView): Partial<PodStatus> => {
  const list = (ips: readonly string[]) => ips.map((ip) => ({ ip }))
  const podIPs = lastAddresses ? list(lastAddresses) : (pod.status?.podIPs ?? [])
  return {
    ...(hostIPs[0] === undefined ? {} : { hostIP: hostIPs[0], hostIPs: list(hostIPs) }),
    ...(podIPs[0] === undefined ? {} : { podIP: podIPs[0].ip, podIPs }),
  }
}

/** Nothing is to be told of the containers of a pod that the node did not take. */
const wasNeverBegun = ({ ending, sandbox, pod }: PodView): boolean =>
  ending !== undefined && !sandbox && pod.status?.startTime === undefined

/** The pod's new status, built upon the one the API has. */
export const podStatus = (view: PodView, plan: Plan, now: number): PodStatus => {
  const before = view.pod.status ?? {}
  // The node knows nothing any more of a pod that has ended: the API remembers.
  if (isOver(view) && !view.sandbox) return before
  const phase = finalPhase(view, plan)
  const statusOf =
    (list: readonly ContainerStatus[] = []) =>
    (container: (typeof view.pod.spec.containers)[number]) =>
      containerStatus(
        view,
        container,
        plan.waiting.get(container.name),
        list.find(({ name }) => name === container.name),
      )
  const inits = initsOf(view).map(statusOf(before.initContainerStatuses))
  const mains = view.pod.spec.containers.map(statusOf(before.containerStatuses))
  const ephemeral = ephemeralContainersOf(view.pod).map((container) =>
    ephemeralStatus(
      view,
      container,
      plan.waiting.get(container.name),
      before.ephemeralContainerStatuses?.find(({ name }) => name === container.name),
    ),
  )
  const own = {
    ...before,
    phase,
    // Until then an agent that is started anew would take the pod for one that goes on.
    ...(phase === 'Failed' ? plan.failure : {}),
    conditions: podConditions(view, phase, inits, mains, now),
    ...addressFields(view),
    startTime: before.startTime ?? formatTime(now),
  }
  if (wasNeverBegun(view)) return own
  return {
    ...own,
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
    containerStatuses: mains,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
  }
}
