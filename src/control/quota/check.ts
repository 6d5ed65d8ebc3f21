/** Whether a quota has room for more, in the words of Kubernetes. Pure. */
import { allContainers } from '../../api/pods.ts'
import { type Amount, addAmounts, amountOf, amountText, noAmount } from '../../api/quantity.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Amounts } from '../resources/core/pod-resources.ts'

type Quantities = Readonly<Record<string, string>>

/** What every container must say as soon as a quota counts it. */
const demanded = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory']

/** What some containers of the pod do not say; undefined when nothing is missing. */
export const unspecified = (pod: Pod, hard: Quantities): string | undefined => {
  const missing = demanded
    .filter((name) => hard[name] !== undefined)
    .map((name) => {
      const [side, resource = side] = name.includes('.') ? name.split('.') : ['requests', name]
      const silent = allContainers(pod).filter(
        ({ resources }) => resources?.[side === 'limits' ? 'limits' : 'requests']?.[resource ?? ''] === undefined,
      )
      return { name, containers: silent.map((container) => container.name).sort() }
    })
    .filter(({ containers }) => containers.length > 0)
  if (missing.length === 0) return undefined
  return `must specify ${missing.map(({ name, containers }) => `${name} for: ${containers.join(',')}`).join('; ')}`
}

const told = (names: readonly string[], amountFor: (name: string) => Amount): string =>
  names.map((name) => `${name}=${amountText(amountFor(name))}`).join(',')

/** Why there is no room; undefined when there is. */
export const exceeded = (quota: string, wanted: Amounts, used: Amounts, hard: Quantities): string | undefined => {
  const amountIn = (amounts: Amounts) => (name: string) => amounts.get(name) ?? noAmount
  const over = [...wanted]
    .filter(([name, more]) => {
      const limit = hard[name]
      if (limit === undefined || more.nanos <= 0n) return false
      return addAmounts(amountIn(used)(name), more).nanos > amountOf(limit).nanos
    })
    .map(([name]) => name)
    .sort()
  if (over.length === 0) return undefined
  const limits = told(over, (name) => amountOf(hard[name]))
  return `exceeded quota: ${quota}, requested: ${told(over, amountIn(wanted))}, used: ${told(over, amountIn(used))}, limited: ${limits}`
}
