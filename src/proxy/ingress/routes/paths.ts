/** The rules of one host to what requests are looked up in. Pure. */
import type { PathTable, Routes } from './match.ts'
import type { CanaryRoute, Conditions, Origin, Route, RouteRule } from './rule.ts'
import { asBytes, rulePath } from './rule-path.ts'

/** A rule that is not served as its author may expect. */
export interface RuleProblem {
  readonly origin: Origin
  readonly message: string
}

export const withoutSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path)

const elements = (prefix: string): number => prefix.split('/').length - 1

const byAge = (a: RouteRule, b: RouteRule): number =>
  a.created === b.created ? (a.order < b.order ? -1 : 1) : a.created < b.created ? -1 : 1

const none: Conditions = { headers: [], query: [] }

/** More conditions first (the Gateway API's order: method, then header fields, then query); the older one of equals. */
const byConditions = (a: Route, b: Route): number => {
  const [x, y] = [a.conditions ?? none, b.conditions ?? none]
  return (
    Number(y.method !== undefined) - Number(x.method !== undefined) ||
    y.headers.length - x.headers.length ||
    y.query.length - x.query.length
  )
}

interface Place {
  readonly kind: 'exact' | 'prefix' | 'regex' | 'fallback'
  readonly path: string
  readonly caseless: boolean
}

const placeOf = ({ path }: RouteRule): Place | { readonly problem: string } => {
  if (path.kind === 'fallback') return { kind: 'fallback', path: '', caseless: false }
  if (path.kind === 'regex') return { kind: 'regex', path: asBytes(path.path), caseless: path.caseless }
  const found = rulePath(path.path)
  if ('problem' in found) return found
  return { kind: path.kind, path: path.kind === 'exact' ? found.path : withoutSlash(found.path), caseless: false }
}

const hostName = (host: string): string => (host === '' ? '*' : host.replace('**.', '*.'))

interface Placed {
  readonly place: Place
  readonly routes: Route[]
}

const nameOf = ({ kind, namespace, name }: Origin): string => `${kind} ${namespace}/${name}`

/**
 * The paths of one host, from rules in any order. Of two rules for the same the older one wins, and the other becomes
 * a problem. Canaries join the rule whose requests they take.
 */
export const compileHost = (
  host: string,
  rules: readonly RouteRule[],
  sealed: boolean,
): { readonly paths: PathTable; readonly problems: readonly RuleProblem[] } => {
  const placed = new Map<string, Placed>()
  const problems: RuleProblem[] = []
  const report = (origin: Origin, message: string): void => void problems.push({ origin, message })
  const sorted = [...rules].sort(byAge)

  const placeFor = (rule: RouteRule): Placed | undefined => {
    const place = placeOf(rule)
    if ('problem' in place) return void report(rule.route.origin, `path "${rule.route.origin.path}" ${place.problem}`)
    const key = `${place.kind}:${place.caseless}:${place.path}`
    const known = placed.get(key) ?? { place, routes: [] }
    placed.set(key, known)
    return known
  }
  /** Where the main rule of a canary is: whether its path is a pattern is up to the main Ingress. */
  const mainOf = (rule: RouteRule): Placed | undefined => {
    const pattern = rule.path.kind === 'prefix' ? placed.get(`regex:true:${asBytes(rule.path.path)}`) : undefined
    return pattern ?? placeFor(rule)
  }
  const describe = (rule: RouteRule): string =>
    rule.path.kind === 'fallback'
      ? `everything else of host "${hostName(host)}"`
      : `path "${rule.route.origin.path}" of host "${hostName(host)}"`

  for (const rule of sorted) {
    if (rule.canary) continue
    const found = placeFor(rule)
    if (!found) continue
    const { origin, conditions } = rule.route
    const holder = found.routes.find((each) => each.conditions === undefined)
    if (conditions === undefined && holder) {
      // Two HTTPRoutes may share a path by design; only an Ingress' author expects to be the only one.
      if (origin.kind === 'Ingress' && (rule.path.kind !== 'fallback' || nameOf(holder.origin) !== nameOf(origin)))
        report(origin, `${describe(rule)} is already served for ${nameOf(holder.origin)}`)
      continue
    }
    found.routes.push({ ...rule.route, origin: { ...origin, host: hostName(host) } })
  }
  for (const rule of sorted) {
    if (!rule.canary) continue
    const found = mainOf(rule)
    const [main] = found?.routes ?? []
    const { origin, targets } = rule.route
    if (!found) continue
    if (!main) report(origin, `${describe(rule)} is a canary of nothing: no other Ingress serves it`)
    else if (main.canary) report(origin, `${describe(rule)} has a canary already: ${nameOf(main.canary.origin)}`)
    else found.routes[0] = { ...main, canary: { when: rule.canary, origin, targets } satisfies CanaryRoute }
  }
  return { paths: assemble([...placed.values()], sealed), problems }
}

const assemble = (placed: readonly Placed[], sealed: boolean): PathTable => {
  const full = placed.filter(({ routes }) => routes.length > 0)
  const of = (kind: Place['kind']): [string, Routes][] =>
    full
      .filter(({ place }) => place.kind === kind)
      .map(({ place, routes }) => [place.path, routes.length > 1 ? [...routes].sort(byConditions) : routes])
  const prefix = of('prefix')
  return {
    exact: new Map(of('exact')),
    prefix: new Map(prefix),
    regexes: full
      .filter(({ place }) => place.kind === 'regex')
      .map(({ place, routes }) => ({
        pattern: place.path,
        caseless: place.caseless,
        routes: [...routes].sort(byConditions),
      }))
      .sort((a, b) => b.pattern.length - a.pattern.length || (a.pattern < b.pattern ? -1 : 1)),
    depth: prefix.reduce((most, [path]) => Math.max(most, elements(path)), 0),
    fallback: of('fallback')[0]?.[1][0],
    sealed,
  }
}
