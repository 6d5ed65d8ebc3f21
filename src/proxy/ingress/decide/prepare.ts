/** A route made ready: what can be worked out once for all of its requests is. */
import { type Changes, joinChanges } from '../http/changes.ts'
import { plainReply, type Reply } from '../http/response-text.ts'
import type { RoutePolicy } from '../policy/policy.ts'
import type { Route } from '../routes/rule.ts'
import { addressStep } from './addresses.ts'
import { answerChanges, toChanges } from './answers.ts'
import { corsSteps } from './cors.ts'
import type { Step } from './draft.ts'
import { externalAuthStep } from './external-auth.ts'
import { passwordStep } from './passwords.ts'
import { proofStep } from './proof.ts'
import { rateStep } from './rate.ts'
import { appRootStep, httpsStep, redirectStep } from './redirects.ts'

export interface Prepared {
  readonly steps: readonly Step[]
  readonly requestChanges: Changes | undefined
  readonly responseChanges: Changes | undefined
  /** The same, for answers over TLS. */
  readonly secureResponseChanges: Changes | undefined
}

/** One of several is enough; the last refusal counts when none is. */
const anyOf =
  (steps: readonly Step[]): Step =>
  async (asking, draft, relay) => {
    let refusal: Reply | undefined
    for (const step of steps) {
      refusal = await step(asking, draft, relay)
      if (refusal === undefined) return undefined
    }
    return refusal
  }

/** Denied addresses stay out whatever else is enough: not to be denied is no proof of anything. */
const accessSteps = (policy: RoutePolicy): readonly Step[] => {
  const { allow, deny, basicAuth, externalAuth, satisfy } = policy
  const denied = deny.length > 0 ? [addressStep([], deny)] : []
  const proofs = [
    ...(allow.length > 0 ? [addressStep(allow, [])] : []),
    ...(basicAuth ? [passwordStep(basicAuth)] : []),
    ...(externalAuth ? [externalAuthStep(externalAuth)] : []),
  ]
  return [...denied, ...(satisfy === 'any' && proofs.length > 1 ? [anyOf(proofs)] : proofs)]
}

/** What exactly is broken is for the authors of routes to know, not for strangers. */
const closed = 'this route is closed until its settings are mended'

/** The order in which a request passes them. */
const stepsOf = ({ policy, origin }: Route): readonly Step[] => {
  const { blocked, sslRedirect, redirect, appRoot, rateLimit } = policy
  const cors = policy.cors && corsSteps(policy.cors)
  return [
    ...(cors ? [cors.fields] : []),
    ...(blocked ? [() => plainReply(blocked.status, closed)] : []),
    ...(sslRedirect === 'always' ? [httpsStep(policy.preserveTrailingSlash)] : []),
    proofStep,
    ...(redirect ? [redirectStep(redirect)] : []),
    ...(appRoot === undefined ? [] : [appRootStep(appRoot)]),
    ...(cors ? [cors.preflight] : []),
    ...(rateLimit ? [rateStep(rateLimit, `${origin.namespace}/${origin.name} ${origin.path}`)] : []),
    ...accessSteps(policy),
  ]
}

const prefixField = ({ forwardedPrefix }: RoutePolicy): readonly (readonly [string, string])[] =>
  forwardedPrefix === undefined ? [] : [['X-Forwarded-Prefix', forwardedPrefix]]

const hstsChanges = ({ hsts }: RoutePolicy): Changes | undefined => {
  if (hsts === undefined || hsts === 'off') return undefined
  const value = `max-age=${hsts.maxAge}${hsts.includeSubDomains ? '; includeSubDomains' : ''}${hsts.preload ? '; preload' : ''}`
  return { dropped: new Set(['strict-transport-security']), appended: [['Strict-Transport-Security', value]] }
}

/** The policy alone says which pages may read answers: the word of a backend does not count beside it. */
const corsChanges = ({ cors }: RoutePolicy): Changes | undefined =>
  cors && { dropped: new Set(['access-control-allow-origin', 'access-control-allow-credentials']), appended: [] }

const prepared = new WeakMap<Route, Prepared>()

export const prepare = (route: Route): Prepared => {
  const known = prepared.get(route)
  if (known) return known
  const { requestFields } = route.policy
  const responseChanges = joinChanges(answerChanges(route.policy), corsChanges(route.policy))
  const made: Prepared = {
    steps: stepsOf(route),
    requestChanges: toChanges({ ...requestFields, set: [...requestFields.set, ...prefixField(route.policy)] }),
    responseChanges,
    secureResponseChanges: joinChanges(responseChanges, hstsChanges(route.policy)),
  }
  prepared.set(route, made)
  return made
}
