/** Ingresses to a route table. Pure. */
import { routingPath } from '../http/path.ts'
import { isRefusal } from '../http/refusal.ts'
import type { PathTable, Route, RouteTable } from './match.ts'
import type { BackendKey, BackendRef, IngressView, PathView, RuleView } from './model.ts'

/** Something in an Ingress that is not served as its author may expect. */
export interface RouteProblem {
  /** `namespace/name`. */
  readonly ingress: string
  readonly message: string
}

export interface CompiledRoutes {
  readonly table: RouteTable
  readonly backends: ReadonlyMap<BackendKey, BackendRef>
  readonly problems: readonly RouteProblem[]
}

interface PathTableDraft {
  readonly exact: Map<string, Route>
  readonly prefix: Map<string, Route>
  depth: number
  fallback: Route | undefined
}

const byAge = (a: IngressView, b: IngressView): number =>
  a.created === b.created ? (a.key < b.key ? -1 : 1) : a.created < b.created ? -1 : 1

/** An Ingress without rules is meant as the default of all; one with rules happens to have a default too. */
const byClaimToDefault = (a: IngressView, b: IngressView): number =>
  Number(a.rules.length > 0) - Number(b.rules.length > 0) || byAge(a, b)

/** Rules are written in UTF-8, requests are read as latin1: both become the same bytes. */
const asBytes = (path: string): string => Buffer.from(path, 'utf8').toString('latin1')

/** The routing form of a rule's path; a text when it can match nothing. */
const rulePath = (path: string): { readonly path: string } | { readonly problem: string } => {
  if (!path.startsWith('/')) return { problem: `path "${path}" does not begin with a slash` }
  try {
    return { path: routingPath(asBytes(path)) }
  } catch (error) {
    if (isRefusal(error)) return { problem: `path "${path}" matches no request: ${error.message}` }
    throw error
  }
}

const withoutSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path)

const elements = (prefix: string): number => prefix.split('/').length - 1

const wildcardSuffix = (host: string): string | undefined => (host.startsWith('*.') ? host.slice(2) : undefined)

/**
 * Compiles the Ingresses that are to be served, in any order. Rules for one host are merged; of two rules for one path
 * the older Ingress wins (then the name that sorts first) and the other becomes a problem.
 */
export const compileRoutes = (ingresses: readonly IngressView[]): CompiledRoutes => {
  const hosts = new Map<string, PathTableDraft>()
  const backends = new Map<BackendKey, BackendRef>()
  const problems: RouteProblem[] = []

  const routeTo = (ingress: string, backend: BackendRef | undefined, where: string): Route => {
    if (backend) backends.set(backend.key, backend)
    else problems.push({ ingress, message: `the backend of ${where} is not a Service port: it is answered with 503` })
    return { backend: backend?.key, ingress }
  }

  const tableOf = (host: string): PathTableDraft => {
    const draft = hosts.get(host) ?? { exact: new Map(), prefix: new Map(), depth: 0, fallback: undefined }
    hosts.set(host, draft)
    return draft
  }

  const addPath = (ingress: string, host: string, { path: written, exact, backend }: PathView): void => {
    const place = `path "${written}" of host "${host || '*'}"`
    const wanted = rulePath(written)
    if ('problem' in wanted) return void problems.push({ ingress, message: wanted.problem })
    const draft = tableOf(host)
    const path = exact ? wanted.path : withoutSlash(wanted.path)
    const paths = exact ? draft.exact : draft.prefix
    const holder = paths.get(path)
    if (holder) return void problems.push({ ingress, message: `${place} is already served for ${holder.ingress}` })
    paths.set(path, routeTo(ingress, backend, place))
    if (!exact) draft.depth = Math.max(draft.depth, elements(path))
  }

  const addRule = (ingress: IngressView, rule: RuleView): void => {
    const draft = tableOf(rule.host)
    for (const path of rule.paths) addPath(ingress.key, rule.host, path)
    if (ingress.defaultBackend && !draft.fallback)
      draft.fallback = routeTo(ingress.key, ingress.defaultBackend.ref, `host "${rule.host || '*'}" without a path`)
  }

  for (const ingress of [...ingresses].sort(byAge)) for (const rule of ingress.rules) addRule(ingress, rule)
  const [claimant] = ingresses.filter((ingress) => ingress.defaultBackend !== null).sort(byClaimToDefault)
  const fallback = claimant?.defaultBackend && routeTo(claimant.key, claimant.defaultBackend.ref, 'everything else')
  return { table: assemble(hosts, fallback ?? undefined), backends, problems }
}

const assemble = (drafts: ReadonlyMap<string, PathTable>, fallback: Route | undefined): RouteTable => {
  const hosts = new Map<string, PathTable>()
  const wildcards = new Map<string, PathTable>()
  for (const [host, paths] of drafts) {
    const suffix = wildcardSuffix(host)
    if (suffix !== undefined) wildcards.set(suffix, paths)
    else if (host !== '') hosts.set(host, paths)
  }
  return { hosts, wildcards, anyHost: drafts.get(''), fallback }
}
