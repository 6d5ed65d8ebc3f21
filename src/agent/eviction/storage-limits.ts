/** Whether a pod has put more on the node's disk than it may. Pure. */
import { isJsonObject } from '../../api/json.ts'
import { allContainers } from '../../api/pods.ts'
import { addAmounts, amountOf, amountText, largerAmount, noAmount, quantityValue } from '../../api/quantity.ts'
import type { Container, Pod } from '../../api/types/index.ts'
import { containerStorageMessage, podStorageMessage, volumeMessage } from './messages.ts'

const storage = 'ephemeral-storage'

/** What a pod has on the node's disk, in bytes. */
export interface PodStorage {
  /** By the names of volumes that end with the pod. */
  readonly volumes: ReadonlyMap<string, number>
  /** By the names of containers: what they have written to their own roots, and their logs. */
  readonly containers: ReadonlyMap<string, number>
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, each) => total + each, 0)

export const storageTotal = ({ volumes, containers }: PodStorage): number =>
  sum(volumes.values()) + sum(containers.values())

/** Volumes in memory have their size from the kernel. */
const sizeLimits = (pod: Pod): readonly (readonly [name: string, limit: string])[] =>
  (pod.spec.volumes ?? []).flatMap((volume: { readonly name: string }) => {
    const source: unknown = 'emptyDir' in volume ? volume.emptyDir : undefined
    const limit = isJsonObject(source) && source['medium'] !== 'Memory' ? source['sizeLimit'] : undefined
    const isLimit = (typeof limit === 'string' || typeof limit === 'number') && quantityValue(limit) > 0
    return isLimit ? [[volume.name, String(limit)] as const] : []
  })

const limitOf = ({ resources }: Container): string | undefined => resources?.limits?.[storage]

/** Of all containers that have one together, or of the greediest init container. */
const podLimit = ({ spec: { initContainers = [], containers } }: Pod) => {
  const isBeside = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always'
  const beside = [...initContainers.filter(isBeside), ...containers].map((each) => amountOf(limitOf(each)))
  const before = initContainers.filter((each) => !isBeside(each)).map((each) => amountOf(limitOf(each)))
  return before.reduce(largerAmount, beside.reduce(addAmounts, noAmount))
}

/** Only such pods have to be measured. */
export const hasStorageLimit = (pod: Pod): boolean =>
  sizeLimits(pod).length > 0 || allContainers(pod).some((container) => limitOf(container) !== undefined)

/** In the kubelet's words; undefined when it keeps within its limits. */
export const storageExcess = (pod: Pod, used: PodStorage): string | undefined => {
  for (const [name, limit] of sizeLimits(pod))
    if ((used.volumes.get(name) ?? 0) > quantityValue(limit)) return volumeMessage(name, limit)
  const limited = allContainers(pod).filter((container) => limitOf(container) !== undefined)
  if (limited.length === 0) return undefined
  const limit = podLimit(pod)
  if (BigInt(storageTotal(used)) * 1_000_000_000n > limit.nanos) return podStorageMessage(amountText(limit))
  const greedy = limited.find(
    (container) => (used.containers.get(container.name) ?? 0) > quantityValue(limitOf(container)),
  )
  return greedy && containerStorageMessage(greedy.name, limitOf(greedy) ?? '0')
}
