/** A second Ingress for the same paths that gets some of the requests. */
import type { Canary } from '../policy/policy.ts'
import type { balancingRows } from './balancing.ts'
import { pattern } from './pattern.ts'
import { defined, type Part, type Reading, type Rows, type Values } from './row.ts'
import { fieldText, smallToken, token } from './text.ts'
import { flag, whole } from './value.ts'

export const canaryRows = {
  canary: { read: flag, inCanary: true },
  'canary-by-header': { read: smallToken, inCanary: true },
  'canary-by-header-value': { read: fieldText, inCanary: true },
  'canary-by-header-pattern': { read: pattern, inCanary: true },
  'canary-by-cookie': { read: token, inCanary: true },
  'canary-weight': { read: whole(0, 1_000_000_000), inCanary: true },
  'canary-weight-total': { read: whole(1, 1_000_000_000), inCanary: true },
} satisfies Rows

type CanaryValues = Values<typeof canaryRows> & Values<typeof balancingRows>

/** With the value or the pattern broken, the header alone would let others in. */
const headerOf = (values: CanaryValues, { isBroken }: Reading): Canary['header'] => {
  const name = values['canary-by-header']
  if (name === undefined || isBroken('canary-by-header-value')) return undefined
  const value = values['canary-by-header-value']
  if (value !== undefined) return { name, value }
  if (isBroken('canary-by-header-pattern')) return undefined
  return { name, ...defined({ pattern: values['canary-by-header-pattern'] }) }
}

const shareOf = (values: CanaryValues, { isBroken, tell }: Reading): Pick<Canary, 'weight' | 'total'> => {
  const total = values['canary-weight-total'] ?? 100
  const weight = isBroken('canary-weight-total') ? 0 : (values['canary-weight'] ?? 0)
  if (weight > total) tell('error', 'canary-weight', `more than the total of ${total}: nobody is sent to the canary`)
  return { weight: weight > total ? 0 : weight, total }
}

const ways = ['canary-by-header', 'canary-by-cookie', 'canary-weight'] as const

/** A broken `canary` is a canary that nobody is sent to: as an Ingress of its own it could win the paths. */
export const canary = (values: CanaryValues, reading: Reading): Part => {
  if (reading.isBroken('canary')) return { canary: { weight: 0, total: 100 } }
  if (!values.canary) {
    for (const key of ways)
      if (values[key] !== undefined) reading.tell('warning', key, 'has no effect without canary: "true"')
    return {}
  }
  if (ways.every((key) => values[key] === undefined && !reading.isBroken(key)))
    reading.tell('warning', 'canary', `nobody is sent to it without ${ways.join(', ')}`)
  const behavior = values['affinity-canary-behavior']
  const sticky = behavior && behavior === 'sticky'
  const found = defined({ header: headerOf(values, reading), cookie: values['canary-by-cookie'], sticky })
  return { canary: { ...found, ...shareOf(values, reading) } }
}
