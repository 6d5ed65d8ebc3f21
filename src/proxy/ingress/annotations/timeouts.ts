/** Time-outs, attempts and sizes. */
import type { Retries, RouteTimeouts } from '../policy/policy.ts'
import { defined, type Part, type Reading, type Rows, type Values } from './row.ts'
import { duration, list, size, whole, word } from './value.ts'

const condition = word(
  ...(['error', 'timeout', 'invalid_header', 'non_idempotent', 'off'] as const),
  ...(['http_500', 'http_502', 'http_503', 'http_504', 'http_403', 'http_404', 'http_429'] as const),
)

export const timeoutRows = {
  'proxy-connect-timeout': { read: duration() },
  'proxy-send-timeout': { read: duration() },
  'proxy-read-timeout': { read: duration() },
  'request-timeout': { read: duration(), isOwn: true },
  'proxy-next-upstream': { read: list(condition, /\s+/) },
  'proxy-next-upstream-tries': { read: whole(0, 1000) },
  'proxy-next-upstream-timeout': { read: duration(0) },
  'proxy-body-size': { read: size },
} satisfies Rows

type TimeoutValues = Values<typeof timeoutRows>

const retries = (values: TimeoutValues, { defaults, tell }: Reading): Retries => {
  const conditions = values['proxy-next-upstream']
  const key = 'proxy-next-upstream'
  if (conditions?.includes('invalid_header')) tell('warning', key, 'a wrong answer is not asked for again')
  const tries = values['proxy-next-upstream-tries'] ?? defaults.retries.tries
  const within = values['proxy-next-upstream-timeout'] ?? defaults.retries.within
  if (conditions === undefined) return { ...defaults.retries, tries, within }
  return {
    tries: conditions.includes('off') ? 1 : tries,
    within,
    statuses: conditions.flatMap((each) => (each.startsWith('http_') ? [Number(each.slice(5))] : [])),
    timeout: conditions.includes('timeout'),
    nonIdempotent: conditions.includes('non_idempotent'),
    backoff: 0,
  }
}

export const timeouts = (values: TimeoutValues, reading: Reading): Part => {
  const changed: RouteTimeouts = defined({
    connect: values['proxy-connect-timeout'],
    send: values['proxy-send-timeout'],
    read: values['proxy-read-timeout'],
    request: values['request-timeout'],
  })
  const { defaults } = reading
  return {
    policy: {
      timeouts: { ...defaults.timeouts, ...changed },
      retries: retries(values, reading),
      maxBodyBytes: values['proxy-body-size'] ?? defaults.maxBodyBytes,
    },
  }
}
