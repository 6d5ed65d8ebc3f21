/**
 * Which rules every source (an Ingress, the Gateway API) has, and the tables they come to. A change of one source compiles
 * the hosts it names and no other.
 */
import { isDeepStrictEqual } from 'node:util'
import type { PathTable } from './match.ts'
import { compileHost, type RuleProblem } from './paths.ts'
import type { RouteRule } from './rule.ts'

/** The name of a set of rules that a listener serves: `http`, `https`, or of a Gateway's port. */
export type EntryName = string

export interface SourceRules {
  readonly rules: readonly RouteRule[]
  /** Which entries serve them. */
  readonly entries: readonly EntryName[]
  /** Hosts that belong to these rules whatever other hosts' rules would match. */
  readonly sealed?: readonly string[]
}

/** Hosts as rules write them; undefined: nobody serves the host any more. */
export interface TableUpdate {
  readonly entry: EntryName
  readonly hosts: readonly (readonly [host: string, paths: PathTable | undefined])[]
}

export interface RouteBook {
  /** Replaces what a source says. */
  put(source: string, sets: readonly SourceRules[]): void
  /** Compiles what was touched since the last time. */
  flush(): readonly TableUpdate[]
  /** Everything, as of the last `flush`. */
  tables(): readonly TableUpdate[]
  problems(): readonly RuleProblem[]
}

/** What one source says of one host. Entries that serve the same set share the object. */
interface Said {
  readonly rules: RouteRule[]
  sealed: boolean
}

interface HostRules {
  readonly bySource: Map<string, Said>
  compiled: Compiled | undefined
}

interface Compiled {
  readonly said: readonly Said[]
  readonly paths: PathTable
  readonly problems: readonly RuleProblem[]
}

type Spread = Map<EntryName, Map<string, Said>>

/** One set, host by host. */
const byHost = ({ rules, sealed = [] }: SourceRules): Map<string, Said> => {
  const hosts = new Map<string, Said>()
  const at = (host: string): Said => {
    const said = hosts.get(host) ?? { rules: [], sealed: false }
    hosts.set(host, said)
    return said
  }
  for (const rule of rules) at(rule.host).rules.push(rule)
  for (const host of sealed) at(host).sealed = true
  return hosts
}

const merge = (a: Said | undefined, b: Said): Said =>
  a ? { rules: [...a.rules, ...b.rules], sealed: a.sealed || b.sealed } : b

const spread = (sets: readonly SourceRules[]): Spread => {
  const entries: Spread = new Map()
  for (const set of sets) {
    const hosts = byHost(set)
    for (const entry of set.entries) {
      const known = entries.get(entry) ?? new Map<string, Said>()
      entries.set(entry, known)
      for (const [host, said] of hosts) known.set(host, merge(known.get(host), said))
    }
  }
  return entries
}

const isSame = (a: readonly Said[], b: readonly Said[]): boolean =>
  a.length === b.length && a.every((said, at) => said === b[at])

/** A host whose rules cannot be compiled is closed, and nobody else's: all others are served. */
const compileAlone = (host: string, rules: readonly RouteRule[], sealed: boolean): ReturnType<typeof compileHost> => {
  try {
    return compileHost(host, rules, sealed)
  } catch (error) {
    const message = `host "${host}" is not served: internal error: ${error instanceof Error ? error.message : String(error)}`
    return {
      paths: compileHost(host, [], true).paths,
      problems: rules.map(({ route }) => ({ origin: route.origin, message })),
    }
  }
}

/** Compiles each host once for all entries in which it is the same: it is then cloned once, too. */
const createCompiler = () => {
  const known = new Map<string, Compiled>()
  return (host: string, said: readonly Said[]): Compiled => {
    const last = known.get(host)
    if (last && isSame(last.said, said)) return last
    const sealed = said.some((each) => each.sealed)
    const rules = said.flatMap((each) => each.rules)
    const compiled = { said, ...compileAlone(host, rules, sealed) }
    known.set(host, compiled)
    return compiled
  }
}

export const createRouteBook = (): RouteBook => {
  const entries = new Map<EntryName, Map<string, HostRules>>()
  const sources = new Map<string, Spread>()
  const touched = new Map<EntryName, Set<string>>()

  const hostRules = (entry: EntryName, host: string): HostRules => {
    const hosts = entries.get(entry) ?? new Map<string, HostRules>()
    entries.set(entry, hosts)
    const found = hosts.get(host) ?? { bySource: new Map(), compiled: undefined }
    hosts.set(host, found)
    return found
  }
  const set = (entry: EntryName, host: string, source: string, said: Said | undefined): void => {
    const { bySource } = hostRules(entry, host)
    if (said) bySource.set(source, said)
    else bySource.delete(source)
    touched.set(entry, (touched.get(entry) ?? new Set()).add(host))
  }

  return {
    put: (source, sets) => {
      const before: Spread = sources.get(source) ?? new Map()
      const after = spread(sets)
      if (sets.length > 0) sources.set(source, after)
      else sources.delete(source)
      for (const [entry, hosts] of before)
        for (const host of hosts.keys()) if (!after.get(entry)?.has(host)) set(entry, host, source, undefined)
      for (const [entry, hosts] of after)
        for (const [host, said] of hosts)
          if (!isDeepStrictEqual(before.get(entry)?.get(host), said)) set(entry, host, source, said)
    },
    flush: () => {
      const compile = createCompiler()
      const updates = [...touched].map(([entry, hosts]) => ({
        entry,
        hosts: [...hosts].map((host) => {
          const found = hostRules(entry, host)
          const said = [...found.bySource.values()]
          found.compiled = said.length > 0 ? compile(host, said) : undefined
          if (!found.compiled) entries.get(entry)?.delete(host)
          return [host, found.compiled?.paths] as const
        }),
      }))
      touched.clear()
      return updates
    },
    tables: () =>
      [...entries].map(([entry, hosts]) => ({
        entry,
        hosts: [...hosts].map(([host, { compiled }]) => [host, compiled?.paths] as const),
      })),
    problems: () => {
      const compiled = [...entries.values()].flatMap((hosts) => [...hosts.values()].map((each) => each.compiled))
      // Entries that serve the same share what is wrong with it.
      return [...new Set(compiled)].flatMap((each) => each?.problems ?? [])
    },
  }
}
