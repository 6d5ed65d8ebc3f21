/** Which containers of a pod are probed now. Pure. */
import { allContainers } from '../../api/pods.ts'
import type { Container } from '../../api/types/index.ts'
import type { ProbeTarget } from '../probes/prober.ts'
import { apiContainerId } from './container-status.ts'
import { isOver, isRunning, isTerminating, latestOf, type PodView } from './view.ts'

/** `adopted` are the containers that ran before the agent: they go on from what the API shows of them. */
export const probeTargets = (view: PodView, adopted: ReadonlySet<string>): readonly ProbeTarget[] => {
  const { status } = view.pod
  const host = view.sandbox?.addresses?.[0]
  if (host === undefined) return []
  const shown = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const targetOf = (container: Container): readonly ProbeTarget[] => {
    const latest = latestOf(view, container.name)
    if (!latest || !isRunning(latest)) return []
    const target = {
      containerId: latest.id,
      container,
      host,
      startedAt: latest.startedAt,
      isStopping: isTerminating(view) || isOver(view),
    }
    const known = shown.find(({ containerID }) => containerID === apiContainerId(view.runtime, latest))
    if (!known || !adopted.has(latest.id)) return [target]
    return [{ ...target, before: { started: known.started ?? false, ready: known.ready } }]
  }
  return allContainers(view.pod).flatMap(targetOf)
}
