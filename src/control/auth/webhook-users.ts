/** Callers whose bearer tokens somebody else knows, asked by TokenReviews (`--authentication-token-webhook-config-file`). */
import type { Clock } from '../../api/clock.ts'
import { isJsonObject } from '../../api/json.ts'
import type { AskReview } from '../../api/review-webhook.ts'
import type { Logger } from '../../host/log.ts'
import { type Authenticator, bearerOf } from './authenticate.ts'
import { createKeptAnswers } from './kept-answers.ts'
import type { User } from './user.ts'

export interface TokenWebhookSettings {
  /** In the form of a kubeconfig: whom to ask, and as whom. */
  readonly configFile: string
  readonly version: 'v1' | 'v1beta1'
  /** For so long an answer holds. */
  readonly cacheSeconds: number
}

export interface TokenWebhookOptions extends Pick<TokenWebhookSettings, 'version' | 'cacheSeconds'> {
  readonly ask: AskReview
  readonly clock: Clock
  readonly log: Logger
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

const extraOf = (value: unknown): User['extra'] => {
  if (!isJsonObject(value)) return undefined
  const entries = Object.entries(value).filter((entry): entry is [string, readonly string[]] => isTexts(entry[1]))
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

/** Undefined for a token that is nobody's. Throws when it is no answer. */
export const userOfReview = (answer: unknown): User | undefined => {
  const status = isJsonObject(answer) ? answer['status'] : undefined
  if (!isJsonObject(status)) throw new Error('the answer has no status')
  if (status['authenticated'] !== true) return undefined
  const { username, uid, groups = [], extra } = isJsonObject(status['user']) ? status['user'] : {}
  if (typeof username !== 'string' || username === '' || !isTexts(groups)) throw new Error('the answer names no user')
  const more = extraOf(extra)
  return {
    ...{ name: username, groups },
    ...(typeof uid === 'string' && uid !== '' ? { uid } : {}),
    ...(more ? { extra: more } : {}),
  }
}

/** Whoever cannot be reached, or gives no answer, lets nobody in. */
export const createTokenWebhook = ({ ask, clock, log, version, cacheSeconds }: TokenWebhookOptions): Authenticator => {
  const kept = createKeptAnswers<User | undefined>(clock)
  return async (credentials) => {
    const token = bearerOf(credentials)
    if (token === undefined) return undefined
    const known = kept.find(token)
    if (known) return known.answer
    const review = {
      apiVersion: `authentication.k8s.io/${version}`,
      kind: 'TokenReview',
      metadata: {},
      spec: { token },
    }
    try {
      const user = userOfReview(await ask(review))
      kept.keep(token, user, cacheSeconds)
      return user
    } catch (error) {
      log.error({ err: error }, 'the authentication webhook gives no answer; the token is refused')
      return undefined
    }
  }
}
