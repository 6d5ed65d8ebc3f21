/** Whether amounts are within the limits of a LimitRange, in the words of Kubernetes. Pure. */
import { type Amount, amountOf, amountText } from '../../api/quantity.ts'
import type { LimitRangeItem } from '../../api/types/kubernetes/core-v1.ts'
import type { Amounts } from '../resources/core/pod-resources.ts'

export interface Use {
  readonly requests: Amounts
  readonly limits: Amounts
}

const sorted = (
  quantities: Readonly<Record<string, string>> | undefined,
): readonly (readonly [string, Amount, string])[] =>
  Object.entries(quantities ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => [name, amountOf(text), text])

const belowMin = (usage: string, least: Amount, request: Amount | undefined, limit: Amount | undefined) => {
  if (!request) return [`${usage}.  No request is specified`]
  if (request.nanos < least.nanos) return [`${usage}, but request is ${amountText(request)}`]
  return limit && limit.nanos < least.nanos ? [`${usage}, but limit is ${amountText(limit)}`] : []
}

const aboveMax = (usage: string, most: Amount, request: Amount | undefined, limit: Amount | undefined) => {
  if (!limit) return [`${usage}.  No limit is specified`]
  if (limit.nanos > most.nanos) return [`${usage}, but limit is ${amountText(limit)}`]
  return request && request.nanos > most.nanos ? [`${usage}, but request is ${amountText(request)}`] : []
}

const requestAboveMax = (usage: string, most: Amount, request: Amount | undefined) => {
  if (!request) return [`${usage}.  No request is specified`]
  return request.nanos > most.nanos ? [`${usage}, but request is ${amountText(request)}`] : []
}

const aboveRatio = (what: string, most: Amount, request: Amount | undefined, limit: Amount | undefined) => {
  if (!request?.nanos) return [`${what}, but no request is specified or request is 0`]
  if (!limit?.nanos) return [`${what}, but no limit is specified or limit is 0`]
  // most.nanos are billionths.
  if (limit.nanos * 1_000_000_000n <= most.nanos * request.nanos) return []
  return [`${what}, but provided ratio is ${(Number(limit.nanos) / Number(request.nanos)).toFixed(6)}`]
}

/** `maxOf`: whether the maximum is one of limits (and requests), or of requests alone, as for claims. */
export const brokenLimits = (
  { type, min, max, maxLimitRequestRatio }: LimitRangeItem,
  { requests, limits }: Use,
  maxOf: 'limit' | 'request' = 'limit',
): readonly string[] => [
  ...sorted(min).flatMap(([name, least, text]) =>
    belowMin(`minimum ${name} usage per ${type} is ${text}`, least, requests.get(name), limits.get(name)),
  ),
  ...sorted(max).flatMap(([name, most, text]) => {
    const usage = `maximum ${name} usage per ${type} is ${text}`
    return maxOf === 'limit'
      ? aboveMax(usage, most, requests.get(name), limits.get(name))
      : requestAboveMax(usage, most, requests.get(name))
  }),
  ...sorted(maxLimitRequestRatio).flatMap(([name, most, text]) =>
    aboveRatio(`${name} max limit to request ratio per ${type} is ${text}`, most, requests.get(name), limits.get(name)),
  ),
]
