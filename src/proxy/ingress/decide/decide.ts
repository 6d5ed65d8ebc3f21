/** What becomes of a request: an answer of our own, or a plan of whom to ask for one. */

import type { Balancer, PickBy } from '../balance/balancer.ts'
import { type Changes, joinChanges } from '../http/changes.ts'
import { plainReply, type Reply } from '../http/response-text.ts'
import type { BackendKey } from '../policy/backend-key.ts'
import type { Balancing, Rewrite, RoutePolicy } from '../policy/policy.ts'
import { fill } from '../policy/template.ts'
import type { Route, Target } from '../routes/rule.ts'
import { toChanges } from './answers.ts'
import { type Asking, valueIn } from './asking.ts'
import { targetsFor, weighted } from './canary.ts'
import { type Draft, requestChangesOf, type StepContext } from './draft.ts'
import { errorPlanOf } from './error-pages.ts'
import { type Plan, protocolOf } from './plan.ts'
import type { Prepared } from './prepare.ts'
import { redirectReply } from './redirects.ts'
import { rewrittenTarget } from './rewrite.ts'
import { stickyChanges, stickyPick } from './sticky.ts'

/** One of the two. */
export type Decision =
  | { readonly reply: Reply; readonly plan?: never }
  | { readonly plan: Plan; readonly reply?: never }

/** What decisions use of a relay. */
export interface DecideContext extends StepContext {
  readonly balancer: Balancer
  /** From 0 to 1. */
  readonly random: () => number
}

const roundRobin: PickBy = { kind: 'round-robin' }

const pickBy = (balancing: Balancing, slowStartMs: number | undefined, asking: Asking): PickBy => {
  switch (balancing.kind) {
    case 'hash':
      return { kind: 'hash', key: fill(balancing.by, valueIn(asking)) }
    case 'cookie':
      return stickyPick(balancing.cookie, asking)
    case 'round-robin':
      return slowStartMs === undefined ? roundRobin : { kind: 'round-robin', slowStartMs }
    default:
      return { kind: 'least-connections', ...(slowStartMs === undefined ? {} : { slowStartMs }) }
  }
}

const policyChanges = (prepared: Prepared, { via }: Asking): Changes | undefined =>
  via.scheme === 'https' ? prepared.secureResponseChanges : prepared.responseChanges

/** The changes of an answer: the policy's own, what steps found, and the cookie of its endpoint. */
const responseChangesOf = (
  { policy }: Route,
  prepared: Prepared,
  target: Target,
  draft: Draft,
  asking: Asking,
  { balancer }: DecideContext,
): Plan['responseChanges'] => {
  const fixed = joinChanges(
    policyChanges(prepared, asking),
    target.responseFields && toChanges(target.responseFields),
    draft.responseFields.length > 0 ? appending(draft.responseFields) : undefined,
  )
  const { balancing } = policy
  const { backend } = target
  if (balancing.kind !== 'cookie' || backend === undefined) return fixed && (() => fixed)
  const knows = (id: string): boolean => balancer.knows(backend, id)
  return (_, endpoint) => {
    // It may be of the backend that explains errors, or gone by now: no client is to come back there.
    if (!knows(balancer.idOf(endpoint))) return fixed
    return joinChanges(fixed, stickyChanges(balancing.cookie, asking, endpoint, balancer.idOf, knows))
  }
}

/** CORS fields are ours alone; everything else joins what the backend says. */
const appending = (fields: Draft['responseFields']): Changes => ({
  dropped: new Set(fields.flatMap(([name]) => (/^access-control-/i.test(name) ? [name.toLowerCase()] : []))),
  appended: fields,
})

const outgoingHost = ({ upstreamHost }: RoutePolicy, rewrite: Rewrite | undefined, { request }: Asking): string =>
  upstreamHost ?? rewrite?.host ?? request.authority

const planFor = (
  route: Route,
  prepared: Prepared,
  draft: Draft,
  asking: Asking,
  relay: DecideContext,
): Plan | Reply => {
  const { policy, origin } = route
  const { request, via, viaText } = asking
  const target = weighted(targetsFor(route, request, relay), relay.random)
  if (target === undefined) return plainReply(503, 'this route has no backend')
  if (target.redirect) return redirectReply(target.redirect, asking)
  const { backend } = target
  if (backend === undefined) return plainReply(target.status, 'the backend of this route cannot be served')
  const changes = joinChanges(
    prepared.requestChanges,
    target.requestFields && toChanges(target.requestFields),
    requestChangesOf(draft),
  )
  const responseChanges = responseChangesOf(route, prepared, target, draft, asking, relay)
  const { errorPages } = policy
  const rewrite = target.rewrite ? { ...policy.rewrite, ...target.rewrite } : policy.rewrite
  const plan: Plan = {
    request,
    origin,
    policy,
    backend,
    via,
    viaText,
    outgoing: {
      head: request,
      target: rewrite?.path ? rewrittenTarget(request, rewrite.path) : request.target,
      host: outgoingHost(policy, rewrite, asking),
      changes,
    },
    pickBy: pickBy(policy.balancing, policy.slowStartMs, asking),
    content: needsContent(asking, policy, backend, relay),
    responseChanges,
  }
  return errorPages ? { ...plan, errorPlan: errorPlanOf(plan, errorPages) } : plan
}

/** HTTP/2 has no chunks, neither from clients nor to backends, and copies are made of the content. */
const needsContent = ({ request }: Asking, policy: RoutePolicy, backend: BackendKey, relay: DecideContext): boolean => {
  if (request.body !== 'chunked') return false
  const protocol = protocolOf({ policy, backend }, relay.balancer)
  return request.version === '2.0' || protocol === 'h2' || protocol === 'h2c' || policy.mirrors.some(({ body }) => body)
}

/** An answer of the proxy's own, with what the policy and the steps so far have to say of every answer of the route. */
export const dressed = (prepared: Prepared, draft: Draft, asking: Asking, reply: Reply): Reply => {
  const { dropped, appended = [] } = policyChanges(prepared, asking) ?? {}
  const own = reply.fields.filter(([name]) => !dropped?.has(name.toLowerCase()))
  return { ...reply, fields: [...own, ...appended, ...draft.responseFields] }
}

const decisionOf = (found: Plan | Reply): Decision => ('status' in found ? { reply: found } : { plan: found })

/**
 * What the steps find is in `draft` at once. Never rejects but for what is a mistake of ours. Throws `Refusal` for a
 * request whose rewritten path is none.
 */
export const decide = (
  route: Route,
  prepared: Prepared,
  asking: Asking,
  draft: Draft,
  relay: DecideContext,
): Decision | Promise<Decision> => {
  const { steps } = prepared

  const later = async (first: Promise<Reply | undefined>, from: number): Promise<Decision> => {
    let reply = await first
    for (let at = from + 1; at < steps.length && !reply; at++) reply = await steps[at]?.(asking, draft, relay)
    return decisionOf(reply ?? planFor(route, prepared, draft, asking, relay))
  }
  for (let at = 0; at < steps.length; at++) {
    const reply = steps[at]?.(asking, draft, relay)
    if (reply instanceof Promise) return later(reply, at)
    if (reply) return { reply }
  }
  return decisionOf(planFor(route, prepared, draft, asking, relay))
}
