/** Paths that backends and redirects get instead of the one that was asked. Pure. */
import { escapedByte, pathText, routingPath } from '../http/path.ts'
import { malformed } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import { patternOf } from '../routes/pattern.ts'
import type { PathRewrite } from '../routes/policy.ts'

/** Author's queries may hold all of a query; what a request brings into one stays a part of a value. */
const unsafeInQuery = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%?]/g
const unsafeInValue = /[^A-Za-z0-9\-._~!$'()*,:@/%]/g

const asBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

interface Replaced {
  readonly path: string
  readonly query: string
}

const splitAtQuery = (text: string): Replaced => {
  const mark = text.indexOf('?')
  return mark < 0 ? { path: text, query: '' } : { path: text.slice(0, mark), query: text.slice(mark + 1) }
}

/** The author's question mark begins a query; one that the request's path brings along does not. */
const replaced = (rewrite: PathRewrite, path: string): Replaced => {
  switch (rewrite.kind) {
    case 'full':
      return splitAtQuery(asBytes(rewrite.path))
    case 'prefix': {
      const rest = path.slice(asBytes(rewrite.prefix).length)
      const start = asBytes(rewrite.replacement).replace(/\/$/, '')
      return { path: rest === '' || rest.startsWith('/') ? `${start}${rest}` : `${start}/${rest}`, query: '' }
    }
    case 'regex': {
      const found = patternOf(asBytes(rewrite.pattern), 'start-caseless').exec(path)
      if (!found) return { path, query: '' }
      const filled = (text: string, encode: (group: string) => string): string =>
        text.replace(/\$(\d)/g, (_, digit: string) => encode(found[Number(digit)] ?? ''))
      const wanted = splitAtQuery(asBytes(rewrite.replacement))
      return {
        path: filled(wanted.path, (group) => group),
        query: filled(wanted.query, (group) => group.replace(unsafeInValue, escapedByte)),
      }
    }
  }
}

/**
 * The target that stands for a request's, its query kept. A replacement may bring a query of its own. Throws 400 when
 * what comes out would be another place for some server (see `routingPath`).
 */
export const rewrittenTarget = ({ path, target }: RequestHead, rewrite: PathRewrite): string => {
  const wanted = replaced(rewrite, path)
  const made = pathText(`/${wanted.path}`.replace(/\/{2,}/g, '/'))
  try {
    routingPath(made)
  } catch {
    throw malformed('the rewritten path is none')
  }
  const mark = target.indexOf('?')
  const queries = [wanted.query.replace(unsafeInQuery, escapedByte), mark < 0 ? '' : target.slice(mark + 1)].filter(
    (query) => query !== '',
  )
  return queries.length === 0 ? made : `${made}?${queries.join('&')}`
}
