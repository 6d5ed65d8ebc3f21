/** Which containers have logs. Pure. */
import type { ContainerStatus, Pod } from '../../api/types/index.ts'

/** One instance of a container: with a restart another one begins. */
export interface LogInstance {
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly node: string
  /** Of no other instance, ever. */
  readonly key: string
  readonly isOver: boolean
}

export interface ContainerChoice {
  /** Of all containers when missing. */
  readonly container?: string
  /** The instances before the present ones. */
  readonly previous: boolean
}

const idOf = ({ containerID, lastState }: ContainerStatus, previous: boolean): string | undefined =>
  previous ? lastState?.terminated?.containerID : containerID

/** In the order in which containers start. None for those that have not started yet. */
export const instancesOf = (pod: Pod, { container, previous }: ContainerChoice): readonly LogInstance[] => {
  const { namespace = '', name, uid = '' } = pod.metadata
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  return [...initContainerStatuses, ...containerStatuses].flatMap((status) => {
    const id = idOf(status, previous)
    if (!id || (container !== undefined && status.name !== container)) return []
    const key = [namespace, name, uid, status.name, id].join('/')
    // An instance that waits to be replaced has ended.
    const isOver = previous || status.state?.running === undefined
    return [{ namespace, pod: name, container: status.name, node: pod.spec.nodeName ?? '', key, isOver }]
  })
}

/** What a message calls it. */
export const instanceName = ({ namespace, pod, container }: LogInstance): string => `${namespace}/${pod}/${container}`
