/** The request target (RFC 9112 section 3.2). */
import { type Authority, parseAuthority } from './authority.ts'
import { malformed, Refusal } from './refusal.ts'

export interface Target {
  /** Path and query, as received. */
  readonly origin: string
  /** Where the path ends in `origin`. */
  readonly pathEnd: number
  /** Of the absolute form alone. */
  readonly authority: { readonly text: string; readonly parsed: Authority } | undefined
}

const absolute = /^http:\/\/([^/?]*)(.*)$/i

const originTarget = (origin: string, authority: Target['authority']): Target => {
  const query = origin.indexOf('?')
  return { origin, pathEnd: query < 0 ? origin.length : query, authority }
}

/** Throws 501 for CONNECT and TRACE, which a gateway has no use for, and 400 for a target that is neither path nor URI. */
export const parseTarget = (method: string, target: string): Target => {
  if (method === 'CONNECT' || method === 'TRACE') throw new Refusal(501, `${method} is not served`)
  if (target.startsWith('/')) return originTarget(target, undefined)
  const [, text, rest] = absolute.exec(target) ?? []
  if (text === undefined || rest === undefined) throw malformed('wrong target')
  return originTarget(rest.startsWith('/') ? rest : `/${rest}`, { text, parsed: parseAuthority(text) })
}
