/** The pseudo fields of a request (RFC 9113 section 8.3.1). */
import { type Authority, parseAuthority } from '../http/authority.ts'
import type { Field } from '../http/fields.ts'
import { once } from '../http/framing.ts'
import { maxMethodLength } from '../http/head-end.ts'
import { malformed, Refusal } from '../http/refusal.ts'
import { methodBytes, skip, targetBytes } from '../http/syntax.ts'

export interface RequestPseudo {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly path: string
  readonly authority: string | undefined
}

interface Found {
  method: string | undefined
  scheme: string | undefined
  path: string | undefined
  authority: string | undefined
}

const find = (fields: readonly Field[], count: number): Found => {
  const found: Found = { method: undefined, scheme: undefined, path: undefined, authority: undefined }
  for (let at = 0; at < count; at++) {
    const { key, value } = fields[at] ?? { key: '', value: '' }
    if (key === ':method') found.method = once(found.method, value, key)
    else if (key === ':scheme') found.scheme = once(found.scheme, value, key)
    else if (key === ':path') found.path = once(found.path, value, key)
    else if (key === ':authority') found.authority = once(found.authority, value, key)
    else throw malformed('unknown pseudo field')
  }
  return found
}

const checkMethod = (method: string | undefined): string => {
  if (!method || method.length > maxMethodLength || skip(method, 0, methodBytes) !== method.length)
    throw malformed('wrong method')
  if (method === 'CONNECT' || method === 'TRACE') throw new Refusal(501, `${method} is not served`)
  return method
}

const checkPath = (path: string | undefined, maxBytes: number): string => {
  if (path === undefined || !path.startsWith('/')) throw malformed('wrong target')
  if (path.length > maxBytes) throw new Refusal(414, 'target too long')
  if (skip(path, 0, targetBytes) !== path.length) throw malformed('wrong target')
  return path
}

/** Reads the first `count` fields. Throws `Refusal`: 400, 414 or 501. */
export const readRequestPseudo = (fields: readonly Field[], count: number, maxPathBytes: number): RequestPseudo => {
  const { method, scheme, path, authority } = find(fields, count)
  const checked = checkMethod(method)
  if (scheme !== 'http' && scheme !== 'https') throw malformed('wrong scheme')
  return { method: checked, scheme, path: checkPath(path, maxPathBytes), authority }
}

const defaultPorts = { http: 80, https: 443 } as const

/** The authority that both fields agree on. Throws `Refusal` when they do not, or when there is neither. */
export const authorityOf = (
  { authority, scheme }: RequestPseudo,
  host: string | undefined,
): { readonly text: string; readonly parsed: Authority } => {
  const text = authority ?? host
  if (text === undefined) throw malformed('no :authority and no host')
  const parsed = parseAuthority(text)
  if (authority === undefined || host === undefined || host === authority) return { text, parsed }
  const other = parseAuthority(host)
  const port = defaultPorts[scheme]
  if (other.host !== parsed.host || (other.port ?? port) !== (parsed.port ?? port))
    throw malformed('host differs from :authority')
  return { text, parsed }
}
