/** What pods ask for of a node, and what nodes have. Pure. */
import { quantityMilli, quantityValue } from './quantity.ts'
import type { Container, Pod, StringMap } from './types/index.ts'

/** CPU in thousandths, the rest in bytes. */
export interface Resources {
  readonly cpu: number
  readonly memory: number
  readonly 'ephemeral-storage': number
}

export type ResourceKind = keyof Resources
export const resourceKinds: readonly ResourceKind[] = ['cpu', 'memory', 'ephemeral-storage']

type Amounts = StringMap | undefined

/** Nothing where it is missing or makes no sense. */
export const resourceAmount = (amounts: Amounts, kind: ResourceKind): number =>
  kind === 'cpu' ? quantityMilli(amounts?.[kind]) : quantityValue(amounts?.[kind])

/** A number for each kind. */
export const perResource = (of: (kind: ResourceKind) => number): Record<ResourceKind, number> => ({
  cpu: of('cpu'),
  memory: of('memory'),
  'ephemeral-storage': of('ephemeral-storage'),
})

const request = ({ resources }: Container, kind: ResourceKind): number => resourceAmount(resources?.requests, kind)

/**
 * What a pod asks for: all containers and sidecars together, or the greediest moment of its start when that is more. An
 * init container runs beside the sidecars that stand before it.
 */
export const requestsOf = ({ spec }: Pod): Resources =>
  perResource((kind) => {
    let sidecars = 0
    let peak = 0
    for (const container of spec.initContainers ?? []) {
      const wanted = request(container, kind)
      if (container.restartPolicy === 'Always') sidecars += wanted
      peak = Math.max(peak, container.restartPolicy === 'Always' ? sidecars : sidecars + wanted)
    }
    return Math.max(peak, sidecars + spec.containers.reduce((sum, container) => sum + request(container, kind), 0))
  })
