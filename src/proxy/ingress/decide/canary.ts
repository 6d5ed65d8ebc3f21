/** Which requests a canary gets, and which backend of several (weights). */

import type { Balancer } from '../balance/balancer.ts'
import type { RequestHead } from '../http/request-head.ts'
import { patternOf } from '../policy/pattern.ts'
import type { Canary } from '../policy/policy.ts'
import type { CanaryRoute, Route, Target } from '../routes/rule.ts'
import { cookieOf, headerOf } from './asking.ts'

type Random = () => number

const byHeader = ({ header }: Canary, request: RequestHead): boolean | undefined => {
  if (!header) return undefined
  const given = headerOf(request, header.name)
  if (given === undefined) return undefined
  if (header.value !== undefined) return given === header.value ? true : undefined
  if (header.pattern !== undefined) return patternOf(header.pattern, 'part').test(given) ? true : undefined
  return given === 'always' ? true : given === 'never' ? false : undefined
}

const byCookie = ({ cookie }: Canary, request: RequestHead): boolean | undefined => {
  const given = cookie === undefined ? undefined : cookieOf(request, cookie)
  return given === 'always' ? true : given === 'never' ? false : undefined
}

/** The header decides, else the cookie, else chance. */
export const isForCanary = (canary: Canary, request: RequestHead, random: Random): boolean =>
  byHeader(canary, request) ??
  byCookie(canary, request) ??
  (canary.weight > 0 && random() * canary.total < canary.weight)

/** A target by weight; undefined when all of them weigh nothing. */
export const weighted = (targets: readonly Target[], random: Random): Target | undefined => {
  if (targets.length === 1) return targets[0]?.weight === 0 ? undefined : targets[0]
  const sum = targets.reduce((total, { weight }) => total + weight, 0)
  let left = random() * sum
  for (const target of targets) {
    left -= target.weight
    if (left < 0) return target
  }
  return undefined
}

interface Relay {
  readonly random: Random
  readonly balancer: Pick<Balancer, 'knows'>
}

/** Whose endpoint the client's sticky cookie names; undefined when it has none, or its endpoint is gone. */
const stickyTargets = (route: Route, canary: CanaryRoute, request: RequestHead, { balancer }: Relay) => {
  const { balancing } = route.policy
  if (balancing.kind !== 'cookie' || canary.when.sticky === false) return undefined
  const id = cookieOf(request, balancing.cookie.name)
  if (id === undefined) return undefined
  return [route.targets, canary.targets].find((targets) =>
    targets.some(({ backend }) => backend !== undefined && balancer.knows(backend, id)),
  )
}

/** A client with a sticky cookie stays where it was; the canary's conditions decide about the others. */
export const targetsFor = (route: Route, request: RequestHead, relay: Relay): readonly Target[] => {
  const { targets, canary } = route
  if (!canary) return targets
  const sticky = stickyTargets(route, canary, request, relay)
  return sticky ?? (isForCanary(canary.when, request, relay.random) ? canary.targets : targets)
}
