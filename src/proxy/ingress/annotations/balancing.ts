/** Which endpoint answers. */
import type { Balancing, StickyCookie } from '../policy/policy.ts'
import { defined, idle, type Part, type Reading, type Rows, type Values } from './row.ts'
import { cookieDomain, cookiePath, template, token } from './text.ts'
import { duration, flag, whole, word, wrong } from './value.ts'

const algorithm = (text: string): 'round_robin' | 'least_conn' | 'ewma' =>
  text === 'ip_hash' ? wrong('write upstream-hash-by: "$remote_addr"') : word('round_robin', 'least_conn', 'ewma')(text)

const sameSites = { strict: 'Strict', lax: 'Lax', none: 'None' } as const

const sameSite = (text: string): 'Strict' | 'Lax' | 'None' =>
  sameSites[word('strict', 'lax', 'none')(text.toLowerCase())]

const oneEndpoint = idle('a key always leads to one endpoint')

export const balancingRows = {
  'load-balance': { read: algorithm, inCanary: true },
  'upstream-hash-by': { read: template, inCanary: true },
  'upstream-hash-by-subset': oneEndpoint,
  'upstream-hash-by-subset-size': oneEndpoint,
  'slow-start': { read: duration(0), isOwn: true },
  'service-upstream': { read: flag },
  affinity: { read: word('cookie'), inCanary: true },
  'affinity-mode': { read: word('balanced', 'persistent'), inCanary: true },
  'affinity-canary-behavior': { read: word('sticky', 'legacy'), inCanary: true },
  'session-cookie-name': { read: token, inCanary: true },
  'session-cookie-path': { read: cookiePath, inCanary: true },
  'session-cookie-domain': { read: cookieDomain, inCanary: true },
  'session-cookie-max-age': { read: whole(0), inCanary: true },
  'session-cookie-expires': { read: whole(0), inCanary: true },
  'session-cookie-samesite': { read: sameSite, inCanary: true },
  'session-cookie-conditional-samesite-none': { read: flag, inCanary: true },
  'session-cookie-secure': { read: flag, inCanary: true },
  'session-cookie-change-on-failure': { read: flag, inCanary: true },
  'session-cookie-partitioned': idle('the cookie is not written with this attribute'),
} satisfies Rows

type BalancingValues = Values<typeof balancingRows>

const cookie = (values: BalancingValues): StickyCookie => ({
  name: values['session-cookie-name'] ?? 'INGRESSCOOKIE',
  mode: values['affinity-mode'] ?? 'balanced',
  path: values['session-cookie-path'] ?? '/',
  changeOnFailure: values['session-cookie-change-on-failure'] ?? false,
  ...defined({
    domain: values['session-cookie-domain'],
    maxAgeSeconds: values['session-cookie-max-age'],
    expiresSeconds: values['session-cookie-expires'],
    sameSite: values['session-cookie-samesite'],
    secure: values['session-cookie-secure'],
  }),
})

/** The cookie goes before the hash, that before the algorithm, as in nginx. */
const balancingOf = (values: BalancingValues): Balancing | undefined => {
  if (values.affinity) return { kind: 'cookie', cookie: cookie(values) }
  const by = values['upstream-hash-by']
  if (by) return { kind: 'hash', by }
  const algorithm = values['load-balance']
  return algorithm && { kind: algorithm === 'round_robin' ? 'round-robin' : 'least-connections' }
}

export const balancing = (values: BalancingValues, { tell }: Reading): Part => {
  if (values['load-balance'] === 'ewma')
    tell('warning', 'load-balance', 'requests under way are counted instead of their times averaged (least_conn)')
  const conditional = 'session-cookie-conditional-samesite-none'
  if (values[conditional]) tell('warning', conditional, 'not served: every browser gets SameSite as it is written')
  return {
    serviceUpstream: values['service-upstream'] ?? false,
    policy: defined({ balancing: balancingOf(values), slowStartMs: values['slow-start'] }),
  }
}
