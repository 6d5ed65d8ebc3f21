/** The cookie by which a client stays with one endpoint. */

import type { PickBy } from '../balance/balancer.ts'
import type { Changes } from '../http/changes.ts'
import type { StickyCookie } from '../policy/policy.ts'
import type { Endpoint } from '../routes/endpoints.ts'
import { type Asking, cookieOf } from './asking.ts'

export const stickyPick = (cookie: StickyCookie, { request }: Asking): PickBy => {
  const id = cookieOf(request, cookie.name)
  return id === undefined ? { kind: 'round-robin' } : { kind: 'sticky', id }
}

const attributes = (cookie: StickyCookie, isSecure: boolean, now: number): string =>
  [
    `Path=${cookie.path}`,
    ...(cookie.domain === undefined ? [] : [`Domain=${cookie.domain}`]),
    ...(cookie.maxAgeSeconds === undefined ? [] : [`Max-Age=${cookie.maxAgeSeconds}`]),
    ...(cookie.expiresSeconds === undefined
      ? []
      : [`Expires=${new Date(now + cookie.expiresSeconds * 1000).toUTCString()}`]),
    ...(isSecure ? ['Secure'] : []),
    'HttpOnly',
    ...(cookie.sameSite === undefined ? [] : [`SameSite=${cookie.sameSite}`]),
  ].join('; ')

/** Given out when a client has none, or when it names an endpoint that is gone or failed. */
export const stickyChanges = (
  cookie: StickyCookie,
  { request, via }: Asking,
  endpoint: Endpoint,
  idOf: (endpoint: Endpoint) => string,
  isKnown: (id: string) => boolean,
): Changes | undefined => {
  const id = idOf(endpoint)
  const given = cookieOf(request, cookie.name)
  if (given === id || (given !== undefined && isKnown(given) && !cookie.changeOnFailure)) return undefined
  const isSecure = cookie.secure ?? via.scheme === 'https'
  const value = `${cookie.name}=${id}; ${attributes(cookie, isSecure, Date.now())}`
  return { dropped: new Set(), appended: [['Set-Cookie', value]] }
}
