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

/** By the names of resources: CPU in thousandths, everything else whole. */
export type ResourceAmounts = ReadonlyMap<string, number>

/** Of everything that is named, extended resources too. */
export const allAmounts = (amounts: Amounts): ResourceAmounts =>
  new Map(
    Object.entries(amounts ?? {}).map(([name, text]) => [
      name,
      name === 'cpu' ? quantityMilli(text) : quantityValue(text),
    ]),
  )

const requested = ({ resources }: Container): ResourceAmounts => allAmounts(resources?.requests)

/**
 * What a pod asks for: all containers and sidecars together, or the greediest moment of its start when that is more, and
 * what its runtime takes besides. An init container runs beside the sidecars that stand before it.
 */
export const allRequestsOf = ({ spec }: Pod): ResourceAmounts => {
  const init = (spec.initContainers ?? []).map((container) => ({ container, amounts: requested(container) }))
  const main = spec.containers.map(requested)
  const overhead = allAmounts(spec.overhead)
  const names = new Set([...init.map(({ amounts }) => amounts), ...main, overhead].flatMap((each) => [...each.keys()]))
  const total = (name: string): number => {
    let sidecars = 0
    let peak = 0
    for (const { container, amounts } of init) {
      const wanted = amounts.get(name) ?? 0
      if (container.restartPolicy === 'Always') sidecars += wanted
      peak = Math.max(peak, container.restartPolicy === 'Always' ? sidecars : sidecars + wanted)
    }
    const running = main.reduce((sum, amounts) => sum + (amounts.get(name) ?? 0), sidecars)
    return Math.max(peak, running) + (overhead.get(name) ?? 0)
  }
  return new Map([...names].map((name) => [name, total(name)]))
}

/** Of that what every node counts. */
export const requestsOf = (pod: Pod): Resources => {
  const all = allRequestsOf(pod)
  return perResource((kind) => all.get(kind) ?? 0)
}
