/** The rules of an HTTPRoute, each match one of its own. */
import type { HTTPRoute, HttpRouteRule } from '../../../api/types/index.ts'
import { plainPolicy, type RoutePolicy, type RouteTimeouts } from '../policy/policy.ts'
import type { RouteRule, Target } from '../routes/rule.ts'
import { compileBackends, failing, type ResolvedBackend } from './backends.ts'
import { parseDuration } from './duration.ts'
import { compileFilters } from './filters.ts'
import { type CompiledMatch, compileMatch } from './matches.ts'
import type { GatewayWorld, Problem } from './model.ts'
import { retriesOf, retryProblem } from './retries.ts'

/** Everything of a route that does not depend on the listeners it is attached to. */
export interface CompiledRoute {
  /** Its rules on one port, for one host. */
  readonly rulesAt: (host: string, port: number) => readonly RouteRule[]
  readonly backends: readonly ResolvedBackend[]
  /** References that lead nowhere. */
  readonly unresolved: readonly Problem[]
  /** What this proxy cannot do; of `rules` rules there are `usable` that are not concerned. */
  readonly unsupported: readonly Problem[]
  readonly rules: number
  readonly usable: number
}

interface CompiledRule {
  readonly matches: readonly CompiledMatch[]
  readonly policyAt: (match: CompiledMatch, port: number) => RoutePolicy
  readonly targetsAt: (match: CompiledMatch, port: number) => readonly Target[]
  /** The Service that is meant to answer. */
  readonly service: string
  readonly backends: readonly ResolvedBackend[]
  readonly unresolved: readonly Problem[]
  readonly unsupported: readonly Problem[]
}

/** Zero switches a timeout off. */
const timeoutsOf = ({ timeouts }: HttpRouteRule): RouteTimeouts => {
  const request = parseDuration(timeouts?.request ?? '')
  const attempt = parseDuration(timeouts?.backendRequest ?? '')
  return { ...(request ? { request } : {}), ...(attempt ? { attempt } : {}) }
}

const everything = [{ path: { type: 'PathPrefix', value: '/' } }] as const

const compileMatches = (rule: HttpRouteRule) => {
  const found = (rule.matches?.length ? rule.matches : everything).map(compileMatch)
  return {
    matches: found.flatMap((match) => ('problem' in match ? [] : [match])),
    unusable: found.flatMap((match) =>
      'problem' in match ? [{ reason: 'UnsupportedValue', message: match.problem }] : [],
    ),
  }
}

const compileRule = (world: GatewayWorld, namespace: string, rule: HttpRouteRule): CompiledRule => {
  const { matches, unusable } = compileMatches(rule)
  const filters = compileFilters(world, namespace, rule.filters ?? [])
  const shares = compileBackends(world, namespace, rule.backendRefs ?? [])
  const retry = retryProblem(rule.retry ?? {})
  const wrongRetry = retry === undefined ? [] : [{ reason: 'UnsupportedValue', message: retry }]
  const isBroken = filters.unsupported.length + wrongRetry.length > 0
  const answersItself = filters.redirects && !isBroken
  const policyAt = ({ path }: CompiledMatch, port: number): RoutePolicy => ({
    ...plainPolicy,
    ...(isBroken ? {} : filters.policyAt({ path, port })),
    timeouts: timeoutsOf(rule),
    retries: retriesOf(rule.retry),
    protocol: shares.backends[0]?.protocol ?? 'http',
  })
  const targetsAt = ({ path }: CompiledMatch, port: number): readonly Target[] => {
    if (isBroken) return failing(500)
    return answersItself ? [] : shares.targetsAt({ path, port })
  }
  return {
    ...{ matches, policyAt, targetsAt },
    service: rule.backendRefs?.[0]?.name ?? '',
    backends: isBroken ? [] : [...shares.backends, ...filters.backends],
    unresolved: [...shares.unresolved, ...filters.unresolved],
    unsupported: [...unusable, ...filters.unsupported, ...wrongRetry, ...shares.unsupported],
  }
}

/** Hosts of a route share everything else, which keeps large tables small. */
type HostlessRule = Omit<RouteRule, 'host'>

const number = (at: number): string => String(at).padStart(3, '0')

/** Compiles a route's rules; who may attach it where is decided elsewhere. */
export const compileRoute = (world: GatewayWorld, { metadata, spec }: HTTPRoute): CompiledRoute => {
  const { namespace = '', name, creationTimestamp: created = '' } = metadata
  const rules = (spec?.rules ?? [{}]).map((rule) => compileRule(world, namespace, rule))

  const rulesOn = (port: number): readonly HostlessRule[] =>
    rules.flatMap(({ matches, policyAt, targetsAt, service }, at) =>
      matches.map((match, nth) => ({
        ...{ path: match.path, created },
        // A blank sorts before everything that names are made of.
        order: `${namespace}/${name} ${number(at)} ${number(nth)}`,
        route: {
          origin: { kind: 'HTTPRoute', namespace, name, path: match.written, service } as const,
          policy: policyAt(match, port),
          targets: targetsAt(match, port),
          ...(match.conditions ? { conditions: match.conditions } : {}),
        },
      })),
    )

  const made = new Map<number, readonly HostlessRule[]>()
  const madeOn = (port: number): readonly HostlessRule[] => {
    const found = made.get(port) ?? rulesOn(port)
    made.set(port, found)
    return found
  }

  return {
    rulesAt: (host, port) => madeOn(port).map((rule) => ({ host, ...rule })),
    backends: rules.flatMap(({ backends }) => backends),
    unresolved: rules.flatMap(({ unresolved }) => unresolved),
    unsupported: rules.flatMap(({ unsupported }) => unsupported),
    rules: rules.length,
    usable: rules.filter(({ unsupported }) => unsupported.length === 0).length,
  }
}

/** A route that could not be read, by a mistake of ours. */
export const unreadableRoute = (error: unknown): CompiledRoute => {
  const message = `internal error: ${error instanceof Error ? error.message : String(error)}`
  const unsupported = [{ reason: 'UnsupportedValue', message }]
  return { rulesAt: () => [], backends: [], unresolved: [], unsupported, rules: 1, usable: 0 }
}
