/** The route table of one entry, and the question it answers. Plain data: it is cloned into the threads that serve. */
import type { Field } from '../http/fields.ts'
import { Refusal } from '../http/refusal.ts'
import { type PatternKind, patternOf } from '../policy/pattern.ts'
import type { Conditions, Route, ValueMatch } from './rule.ts'

/** Routes for one path, those with more conditions first. */
export type Routes = readonly Route[]

export interface RegexPath {
  readonly pattern: string
  readonly caseless: boolean
  readonly routes: Routes
}

/** The paths of one host. Both maps are keyed by routing paths; those of `prefix` have no slash at the end. */
export interface PathTable {
  readonly exact: ReadonlyMap<string, Routes>
  readonly prefix: ReadonlyMap<string, Routes>
  /** The longest pattern first. */
  readonly regexes: readonly RegexPath[]
  /** The most elements that a prefix has. */
  readonly depth: number
  /** Serves what no path matches. */
  readonly fallback: Route | undefined
  /** A request for this host is nobody else's, whether a path matches or not. */
  readonly sealed: boolean
}

export interface RouteTable {
  readonly hosts: Map<string, PathTable>
  /** One label more than the key. */
  readonly wildcards: Map<string, PathTable>
  /** One label more, or several. */
  readonly deepWildcards: Map<string, PathTable>
  anyHost: PathTable | undefined
  fallback: Route | undefined
}

/** What a request is routed by; a `RequestHead` is one. */
export interface Asked {
  readonly host: string
  readonly path: string
  readonly method: string
  /** Path and query as received. */
  readonly target: string
  readonly fields: readonly Field[]
}

/** Where a request came in. */
export interface CameIn {
  readonly localAddress: string
}

const nowhere: CameIn = { localAddress: '' }

/** Matches nothing. */
export const emptyTable = (): RouteTable => ({
  hosts: new Map(),
  wildcards: new Map(),
  deepWildcards: new Map(),
  anyHost: undefined,
  fallback: undefined,
})

const put = (paths: Map<string, PathTable>, key: string, table: PathTable | undefined): void => {
  if (table) paths.set(key, table)
  else paths.delete(key)
}

/** Replaces the paths of one host, as rules write it: `''`, `a.b`, `*.b` or `**.b`. */
export const setHost = (table: RouteTable, host: string, paths: PathTable | undefined): void => {
  if (host === '') table.anyHost = paths
  else if (host.startsWith('**.')) put(table.deepWildcards, host.slice(3), paths)
  else if (host.startsWith('*.')) put(table.wildcards, host.slice(2), paths)
  else put(table.hosts, host, paths)
}

/** For all patterns that one request meets: a tenth of a second or two. */
const mostSteps = 16_000_000

let stepsLeft = 0
const spend = (steps: number): void => {
  stepsLeft -= steps
  if (stepsLeft < 0) throw new Refusal(414, 'the request is too long for the patterns of its host')
}

const fits = (pattern: string, kind: PatternKind, text: string): boolean => patternOf(pattern, kind).test(text, spend)

/** Where each of the first `depth` elements of a path ends, at least the empty prefix. */
const elementEnds = (path: string, depth: number): number[] => {
  const ends = [0]
  for (let start = 1; ends.length <= depth && start <= path.length; ) {
    const slash = path.indexOf('/', start)
    const end = slash < 0 ? path.length : slash
    if (end === start) break
    ends.push(end)
    start = end + 1
  }
  return ends
}

const isValue = ({ value, regex }: ValueMatch, given: string): boolean =>
  regex ? fits(value, 'whole', given) : value === given

/** Of several fields of one name, the values joined, as the API reads them. */
const headerMatches = (match: ValueMatch, fields: readonly Field[]): boolean => {
  const values = fields.filter(({ key }) => key === match.name).map(({ value }) => value)
  return values.length > 0 && isValue(match, values.join(','))
}

const holds = ({ addresses, method, headers, query }: Conditions, asked: Asked, { localAddress }: CameIn): boolean => {
  if (addresses !== undefined && !addresses.includes(localAddress)) return false
  if (method !== undefined && method !== asked.method) return false
  if (!headers.every((match) => headerMatches(match, asked.fields))) return false
  if (query.length === 0) return true
  const parameters = new URLSearchParams(asked.target.slice(asked.target.indexOf('?') + 1 || asked.target.length))
  return query.every((match) => {
    const given = parameters.get(match.name)
    return given !== null && isValue(match, given)
  })
}

const firstOf = (routes: Routes | undefined, asked: Asked, cameIn: CameIn): Route | undefined => {
  if (routes === undefined) return undefined
  for (const route of routes) if (route.conditions === undefined || holds(route.conditions, asked, cameIn)) return route
  return undefined
}

const byRegex = ({ regexes }: PathTable, asked: Asked, cameIn: CameIn, longerThan: number): Route | undefined => {
  for (const { pattern, caseless, routes } of regexes) {
    if (pattern.length < longerThan) return undefined
    if (!fits(pattern, caseless ? 'start-caseless' : 'start', asked.path)) continue
    const route = firstOf(routes, asked, cameIn)
    if (route) return route
  }
  return undefined
}

/** Prefixes and patterns, the longer text first. */
const byPrefix = (table: PathTable, asked: Asked, cameIn: CameIn): Route | undefined => {
  const { prefix, depth, regexes } = table
  if (prefix.size > 0) {
    const ends = elementEnds(asked.path, depth)
    for (let at = ends.length - 1; at >= 0; at--) {
      const end = ends[at]
      const route = firstOf(prefix.get(asked.path.slice(0, end)), asked, cameIn)
      if (route) return regexes.length > 0 ? (byRegex(table, asked, cameIn, end ?? 0) ?? route) : route
    }
  }
  return regexes.length > 0 ? byRegex(table, asked, cameIn, 0) : undefined
}

/** An exact path is at least as long as any prefix of it, and wins the tie. */
const matchPath = (table: PathTable, asked: Asked, cameIn: CameIn): Route | undefined =>
  firstOf(table.exact.get(asked.path), asked, cameIn) ?? byPrefix(table, asked, cameIn)

/** The tables that know the host, the most precise first. */
const tablesFor = (table: RouteTable, host: string): readonly PathTable[] => {
  const found: PathTable[] = []
  const add = (each: PathTable | undefined): void => {
    if (each) found.push(each)
  }
  add(table.hosts.get(host))
  if (table.wildcards.size > 0 || table.deepWildcards.size > 0)
    for (let dot = host.indexOf('.'), first = true; dot > 0; dot = host.indexOf('.', dot + 1), first = false) {
      const suffix = host.slice(dot + 1)
      if (first) add(table.wildcards.get(suffix))
      add(table.deepWildcards.get(suffix))
    }
  add(table.anyHost)
  return found
}

/**
 * The route for a request. The precise host goes before wildcards (the longer one first), those before rules for every
 * host; within one, the longest path, Exact before Prefix. What no rule matches goes to the default backend of an Ingress
 * that names the host, then to the default backend of all. Throws `Refusal` when patterns would take too long.
 */
export const match = (table: RouteTable, asked: Asked, cameIn: CameIn = nowhere): Route | undefined => {
  stepsLeft = mostSteps
  const precise = table.hosts.get(asked.host)
  // Nearly every request ends here.
  const found = precise && matchPath(precise, asked, cameIn)
  if (found) return found
  const tables = tablesFor(table, asked.host)
  const last = tables.findIndex(({ sealed }) => sealed)
  const open = last < 0 ? tables : tables.slice(0, last + 1)
  for (const each of open) {
    const route = each === precise ? undefined : matchPath(each, asked, cameIn)
    if (route) return route
  }
  return open.find(({ fallback }) => fallback)?.fallback ?? (last < 0 ? table.fallback : undefined)
}
