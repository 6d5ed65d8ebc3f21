/** The compiled route table and the question it answers. Plain data: it is cloned into the thread that serves. */
import type { BackendKey } from './model.ts'

export interface Route {
  /** Undefined for a backend that cannot be served: the answer is 503. */
  readonly backend: BackendKey | undefined
  /** The Ingress it comes from, `namespace/name`. */
  readonly ingress: string
}

/** The paths of one host. Both maps are keyed by routing paths; those of `prefix` have no slash at the end. */
export interface PathTable {
  readonly exact: ReadonlyMap<string, Route>
  readonly prefix: ReadonlyMap<string, Route>
  /** The most elements that a prefix has. */
  readonly depth: number
  /** Serves what no path matches. */
  readonly fallback: Route | undefined
}

export interface RouteTable {
  readonly hosts: ReadonlyMap<string, PathTable>
  /** Keyed by what follows `*.` */
  readonly wildcards: ReadonlyMap<string, PathTable>
  readonly anyHost: PathTable | undefined
  readonly fallback: Route | undefined
}

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

const longestPrefix = ({ prefix, depth }: PathTable, path: string): Route | undefined => {
  if (prefix.size === 0) return undefined
  const ends = elementEnds(path, depth)
  for (let at = ends.length - 1; at >= 0; at--) {
    const route = prefix.get(path.slice(0, ends[at]))
    if (route) return route
  }
  return undefined
}

/** An exact path is at least as long as any prefix of it, and wins the tie. */
const matchPath = (table: PathTable | undefined, path: string): Route | undefined =>
  table && (table.exact.get(path) ?? longestPrefix(table, path))

/**
 * The route for a host (small letters, no port) and a routing path. The precise host goes before the wildcard, that
 * before rules for every host; within one, the longest path, Exact before Prefix. What no rule matches goes to the default
 * backend of an Ingress that names the host, then to the default backend of all.
 */
export const match = (table: RouteTable, host: string, path: string): Route | undefined => {
  const precise = table.hosts.get(host)
  const dot = host.indexOf('.')
  const wildcard = dot > 0 ? table.wildcards.get(host.slice(dot + 1)) : undefined
  return (
    matchPath(precise, path) ??
    matchPath(wildcard, path) ??
    matchPath(table.anyHost, path) ??
    precise?.fallback ??
    wildcard?.fallback ??
    table.anyHost?.fallback ??
    table.fallback
  )
}

/** Matches nothing. */
export const emptyTable: RouteTable = {
  hosts: new Map(),
  wildcards: new Map(),
  anyHost: undefined,
  fallback: undefined,
}
