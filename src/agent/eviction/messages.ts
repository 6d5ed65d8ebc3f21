/** Why a pod was evicted, in the kubelet's words. Pure. */

import { allContainers } from '../../api/pods.ts'
import { formatQuantity, quantityValue } from '../../api/quantity.ts'
import type { Container } from '../../api/types/index.ts'
import { type StarvedResource, signals } from '../pressure/signals.ts'
import { thresholdAmount } from '../pressure/thresholds.ts'
import type { DueThreshold } from './decide.ts'
import type { PodUsage } from './rank.ts'

const bytesText = (bytes: number): string =>
  formatQuantity(bytes % 1024 === 0 ? `${bytes / 1024}Ki` : String(Math.ceil(bytes)))

const amountText = (resource: StarvedResource, amount: number): string =>
  resource === 'memory' || resource === 'ephemeral-storage' ? bytesText(amount) : String(amount)

const requestOf = ({ resources }: Container, resource: StarvedResource): string => {
  const { requests = {} } = resources ?? {}
  return requests[resource] ?? '0'
}

/** Only memory and storage are told apart by containers. */
const greedyContainers = ({ pod, containers }: PodUsage, resource: StarvedResource): readonly string[] => {
  if (resource !== 'memory' && resource !== 'ephemeral-storage') return []
  return allContainers(pod).flatMap((container) => {
    const usage = containers.get(container.name)
    const used = resource === 'memory' ? usage?.memoryBytes : usage?.diskBytes
    const request = requestOf(container, resource)
    if (used === undefined || used <= quantityValue(request)) return []
    return `Container ${container.name} was using ${bytesText(used)}, request is ${formatQuantity(String(request))}, has larger consumption of ${resource}. `
  })
}

/** Of a pod that goes for a threshold. */
export const starvedMessage = ({ threshold, observation }: DueThreshold, usage: PodUsage): string => {
  const { resource } = signals[threshold.signal]
  const { available, capacity } = observation
  const wanted = thresholdAmount(threshold.value, capacity)
  return [
    `The node was low on resource: ${resource}. `,
    `Threshold quantity: ${amountText(resource, wanted)}, available: ${amountText(resource, available)}. `,
    ...greedyContainers(usage, resource),
  ].join('')
}

export const volumeMessage = (volume: string, limit: string): string =>
  `Usage of EmptyDir volume ${JSON.stringify(volume)} exceeds the limit ${JSON.stringify(formatQuantity(String(limit)))}. `

export const containerStorageMessage = (container: string, limit: string): string =>
  `Container ${container} exceeded its local ephemeral storage limit ${JSON.stringify(formatQuantity(String(limit)))}. `

export const podStorageMessage = (limit: string): string =>
  `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `
