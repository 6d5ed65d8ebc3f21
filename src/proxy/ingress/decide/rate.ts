/** How often one address may ask. */
import { plainReply, type Reply } from '../http/response-text.ts'
import type { RateLimit } from '../policy/policy.ts'
import { addressSet } from './addresses.ts'
import type { Step } from './draft.ts'

const refusal = (waitMs: number): Reply => {
  const reply = plainReply(429, 'too many requests')
  return { ...reply, fields: [...reply.fields, ['Retry-After', String(Math.max(1, Math.ceil(waitMs / 1000)))]] }
}

/** `name` tells routes apart: each counts for itself, in each worker. */
export const rateStep = (limit: RateLimit, name: string): Step => {
  const isExempt = limit.exempt.length > 0 ? addressSet(limit.exempt) : () => false
  const { perSecond, perMinute, burst, connections } = limit
  const rates = [
    ...(perSecond === undefined ? [] : [{ key: `${name} s`, perMs: perSecond / 1_000, burst: perSecond * burst }]),
    ...(perMinute === undefined ? [] : [{ key: `${name} m`, perMs: perMinute / 60_000, burst: perMinute * burst }]),
  ]
  return ({ via: { clientAddress } }, draft, { limiter }) => {
    if (isExempt(clientAddress)) return undefined
    for (const rate of rates) {
      const wait = limiter.take(`${rate.key} ${clientAddress}`, rate.perMs, rate.burst)
      if (wait > 0) return refusal(wait)
    }
    if (connections === undefined) return undefined
    const key = `${name} c ${clientAddress}`
    if (!limiter.enter(key, connections)) return refusal(0)
    draft.finally.push(() => limiter.leave(key))
    return undefined
  }
}
