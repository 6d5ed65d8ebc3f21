/** What a pod asks for as a whole, and the most that it may use. Pure. */
import { type Amount, addAmounts, amountOf, largerAmount, noAmount } from '../../../api/quantity.ts'
import type { Container, PodSpec } from '../../../api/types/index.ts'

export type Amounts = ReadonlyMap<string, Amount>
type Side = 'requests' | 'limits'

const combine = (a: Amounts, b: Amounts, how: (a: Amount, b: Amount) => Amount): Amounts => {
  const result = new Map(a)
  for (const [name, amount] of b) result.set(name, how(result.get(name) ?? noAmount, amount))
  return result
}

export const addAll = (a: Amounts, b: Amounts): Amounts => combine(a, b, addAmounts)

export const amountsOf = (quantities: Readonly<Record<string, string | number>> | undefined): Amounts =>
  new Map(Object.entries(quantities ?? {}).map(([name, text]) => [name, amountOf(text)]))

const ofContainer = ({ resources }: Container, side: Side): Amounts => amountsOf(resources?.[side])

/**
 * All containers and sidecars together, or the greediest moment of its start when that is more; and what the pod itself
 * costs. An init container runs beside the sidecars that stand before it.
 */
export const podAmounts = (spec: PodSpec, side: Side): Amounts => {
  let sidecars: Amounts = new Map()
  let peak: Amounts = new Map()
  for (const container of spec.initContainers ?? []) {
    const together = addAll(sidecars, ofContainer(container, side))
    if (container.restartPolicy === 'Always') sidecars = together
    peak = combine(peak, together, largerAmount)
  }
  const running = spec.containers.reduce((sum, container) => addAll(sum, ofContainer(container, side)), sidecars)
  const whole = combine(running, peak, largerAmount)
  const overhead = [...amountsOf(spec.overhead)].filter(([name]) => side === 'requests' || whole.has(name))
  return addAll(whole, new Map(overhead))
}
