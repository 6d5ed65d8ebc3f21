/** Paths that backends and redirects get instead of the one that was asked. Pure. */
import { escapedByte, pathText, receivedOffsets, routingPath } from '../http/path.ts'
import { malformed } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import { patternOf } from '../policy/pattern.ts'
import type { PathRewrite } from '../policy/policy.ts'
import { asBytes } from '../routes/rule-path.ts'
import { pathOf, queryOf } from './asking.ts'

/** Author's queries may hold all of a query; what a request brings into one stays a part of a value. */
const unsafeInQuery = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%?]/g
const unsafeInValue = /[^A-Za-z0-9\-._~!$'()*,:@/%]/g

/** An author's words, escaped, and the numbers of groups, in turn. */
type Template = readonly (string | number)[]

/** What a rewrite says, worked out once for all requests. */
interface Written {
  readonly path: Template
  readonly query: Template
  /** Of the regex kind alone. */
  readonly pattern: string
}

interface Replaced {
  /** Put together with one slash at each seam. */
  readonly path: readonly string[]
  /** Escaped. */
  readonly query: string
}

const templateOf = (text: string, escaped: (words: string) => string): Template =>
  text.split(/\$(\d)/).map((part, at) => (at % 2 === 0 ? escaped(part) : Number(part)))

const queryText = (words: string): string => words.replace(unsafeInQuery, escapedByte)

/** The author's question mark begins a query; one that the request's path brings along does not. */
const read = (rewrite: PathRewrite): Written => {
  if (rewrite.kind === 'prefix') return { path: [pathText(asBytes(rewrite.replacement))], query: [], pattern: '' }
  const text = asBytes(rewrite.kind === 'full' ? rewrite.path : rewrite.replacement)
  const mark = text.indexOf('?')
  const [path, query] = mark < 0 ? [text, ''] : [text.slice(0, mark), text.slice(mark + 1)]
  if (rewrite.kind === 'full') return { path: [pathText(path)], query: [queryText(query)], pattern: '' }
  const pattern = asBytes(rewrite.pattern)
  return { path: templateOf(path, pathText), query: templateOf(query, queryText), pattern }
}

const known = new WeakMap<PathRewrite, Written>()

const writtenOf = (rewrite: PathRewrite): Written => {
  const found = known.get(rewrite) ?? read(rewrite)
  known.set(rewrite, found)
  return found
}

/** What came stays what it is, but for what would end its value. */
const valueText = (received: string): string => received.replace(unsafeInValue, escapedByte)

const replaced = (rewrite: PathRewrite, request: RequestHead): Replaced => {
  const { path, query, pattern } = writtenOf(rewrite)
  const words = (template: Template): string[] => template.map(String)
  if (rewrite.kind === 'full') return { path: words(path), query: words(query).join('') }
  const received = pathOf(request)
  const offsetOf = receivedOffsets(received, request.path)
  if (rewrite.kind === 'prefix') {
    const rest = received.slice(offsetOf(rewrite.prefix.length))
    return { path: [...words(path), rest === '' || rest.startsWith('/') ? '' : '/', rest], query: '' }
  }
  const groups = patternOf(pattern, 'start-caseless').exec(request.path)
  if (!groups) return { path: [received], query: '' }
  const receivedOf = (group: number): string => {
    const span = groups[group]
    return span === undefined ? '' : received.slice(offsetOf(span.start), offsetOf(span.end))
  }
  return {
    path: path.map((part) => (typeof part === 'string' ? part : receivedOf(part))),
    query: query.map((part) => (typeof part === 'string' ? part : valueText(receivedOf(part)))).join(''),
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
  for (const piece of wanted.path) made = joined(made, piece)
  try {
    routingPath(made)
  } catch {
    throw malformed('the rewritten path is none')
  }
  const queries = [wanted.query, queryOf(request)].filter((query) => query !== '')
  return queries.length === 0 ? made : `${made}?${queries.join('&')}`
}
