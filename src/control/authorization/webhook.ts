/** Asks somebody else by SubjectAccessReviews (`--authorization-mode Webhook`). */
import type { Clock } from '../../api/clock.ts'
import { isJsonObject } from '../../api/json.ts'
import type { AskReview } from '../../api/review-webhook.ts'
import type { Logger } from '../../host/log.ts'
import { type Attributes, type Authorizer, noRules, type Verdict } from '../auth/authorizer.ts'
import { createKeptAnswers } from '../auth/kept-answers.ts'

export interface WebhookSettings {
  /** In the form of a kubeconfig: whom to ask, and as whom. */
  readonly configFile: string
  readonly version: 'v1' | 'v1beta1'
  /** For so long an answer holds. */
  readonly authorizedSeconds: number
  readonly unauthorizedSeconds: number
}

const specOf = ({ user, request }: Attributes, version: WebhookSettings['version']): object => {
  const { name, groups, uid, extra } = user
  const group = version === 'v1' ? { groups } : { group: groups }
  const who = { user: name, ...group, ...(uid === undefined ? {} : { uid }), ...(extra ? { extra } : {}) }
  if (request.kind === 'path') return { nonResourceAttributes: { path: request.path, verb: request.verb }, ...who }
  const { verb, plural: resource } = request
  const optional = { namespace: request.namespace, group: request.group, version: request.version }
  const rest = { subresource: request.subresource, name: request.name }
  const given = Object.entries({ ...optional, ...rest }).filter(([, value]) => value)
  return { resourceAttributes: { ...Object.fromEntries(given), verb, resource }, ...who }
}

/** Throws when it is no answer. */
const verdictOf = (answer: unknown): Verdict => {
  const status = isJsonObject(answer) ? answer['status'] : undefined
  if (!isJsonObject(status)) throw new Error('the answer has no status')
  const { allowed = false, denied = false, reason } = status
  if (typeof allowed !== 'boolean' || typeof denied !== 'boolean') throw new Error('the answer does not say whether')
  if (allowed && denied) throw new Error('the answer both allows and denies')
  const decision = denied ? 'deny' : allowed ? 'allow' : 'none'
  return { decision, ...(typeof reason === 'string' && reason !== '' ? { reason } : {}) }
}

export interface WebhookOptions extends Pick<WebhookSettings, 'version' | 'authorizedSeconds' | 'unauthorizedSeconds'> {
  readonly ask: AskReview
  readonly clock: Clock
  readonly log: Logger
}

/** Whoever cannot be reached, or gives no answer, allows nothing. */
export const createWebhookAuthorizer = (options: WebhookOptions): Authorizer => {
  const { ask, clock, log, version, authorizedSeconds, unauthorizedSeconds } = options
  const kept = createKeptAnswers<Verdict>(clock)
  return {
    authorize: async (attributes) => {
      const spec = specOf(attributes, version)
      const question = JSON.stringify(spec)
      const known = kept.find(question)
      if (known) return known.answer
      const review = { apiVersion: `authorization.k8s.io/${version}`, kind: 'SubjectAccessReview', spec }
      try {
        const verdict = verdictOf(await ask({ ...review, metadata: {} }))
        kept.keep(question, verdict, verdict.decision === 'allow' ? authorizedSeconds : unauthorizedSeconds)
        return verdict
      } catch (error) {
        log.error({ err: error }, 'the authorization webhook gives no answer; the request is not allowed')
        return { decision: 'none', reason: 'the authorization webhook gives no answer' }
      }
    },
    rules: () => ({ ...noRules, problems: ['webhook authorizer does not support user rule resolution'] }),
  }
}
