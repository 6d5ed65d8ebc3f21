/** Paths that backends and redirects get instead of the one that was asked. Pure. */
import { escapedByte, pathText, receivedOffsets, routingPath } from '../http/path.ts'
import { malformed } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import { patternOf } from '../routes/pattern.ts'
import type { PathRewrite } from '../routes/policy.ts'
import { asBytes } from '../routes/rule-path.ts'
import { pathOf, queryOf } from './asking.ts'

/** Author's queries may hold all of a query; what a request brings into one stays a part of a value. */
const unsafeInQuery = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%?]/g
const unsafeInValue = /[^A-Za-z0-9\-._~!$'()*,:@/%]/g

/** A piece of a path: an author's words, or what came of the request's own. */
type Piece = { readonly written: string } | { readonly received: string }

interface Replaced {
  readonly path: readonly Piece[]
  /** Escaped. */
  readonly query: string
}

const splitAtQuery = (text: string): readonly [path: string, query: string] => {
  const mark = text.indexOf('?')
  return mark < 0 ? [text, ''] : [text.slice(0, mark), text.slice(mark + 1)]
}

const queryText = (written: string): string => written.replace(unsafeInQuery, escapedByte)

/** Words and groups in turn. */
const piecesOf = (text: string, groupAt: (group: number) => string): readonly Piece[] =>
  text.split(/\$(\d)/).map((part, at) => (at % 2 === 0 ? { written: part } : { received: groupAt(Number(part)) }))

/** The author's question mark begins a query; one that the request's path brings along does not. */
const replaced = (rewrite: PathRewrite, request: RequestHead): Replaced => {
  const received = pathOf(request)
  switch (rewrite.kind) {
    case 'full': {
      const [path, query] = splitAtQuery(asBytes(rewrite.path))
      return { path: [{ written: path }], query: queryText(query) }
    }
    case 'prefix': {
      const rest = received.slice(receivedOffsets(received, request.path)(rewrite.prefix.length))
      const slash = rest === '' || rest.startsWith('/') ? '' : '/'
      return { path: [{ written: `${asBytes(rewrite.replacement)}${slash}` }, { received: rest }], query: '' }
    }
    case 'regex': {
      const found = patternOf(asBytes(rewrite.pattern), 'start-caseless').exec(request.path)
      if (!found) return { path: [{ received }], query: '' }
      const offsetOf = receivedOffsets(received, request.path)
      const groupAt = (group: number): string => {
        const { start, end } = found[group] ?? { start: 0, end: 0 }
        return received.slice(offsetOf(start), offsetOf(end))
      }
      const [path, query] = splitAtQuery(asBytes(rewrite.replacement))
      const values = piecesOf(query, groupAt).map((piece) =>
        'written' in piece ? queryText(piece.written) : piece.received.replace(unsafeInValue, escapedByte),
      )
      return { path: piecesOf(path, groupAt), query: values.join('') }
    }
  }
}

/** Not by a pattern: looking for the end of a text takes one as long as its square. */
const withoutLastSlashes = (path: string): string => {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}

/** Where either has a slash at the seam, there is one. */
const joined = (path: string, piece: string): string => {
  if (piece === '' || path === '') return `${path}${piece}`
  if (!path.endsWith('/') && !piece.startsWith('/')) return `${path}${piece}`
  return `${withoutLastSlashes(path)}/${piece.replace(/^\/+/, '')}`
}

/**
 * The target that stands for a request's, its query kept. What is kept of the path is as it came. A replacement may
 * bring a query of its own. Throws 400 when what comes out would be another place for some server (see `routingPath`).
 */
export const rewrittenTarget = (request: RequestHead, rewrite: PathRewrite): string => {
  const wanted = replaced(rewrite, request)
  let made = '/'
  for (const piece of wanted.path) made = joined(made, 'written' in piece ? pathText(piece.written) : piece.received)
  try {
    routingPath(made)
  } catch {
    throw malformed('the rewritten path is none')
  }
  const queries = [wanted.query, queryOf(request)].filter((query) => query !== '')
  return queries.length === 0 ? made : `${made}?${queries.join('&')}`
}
