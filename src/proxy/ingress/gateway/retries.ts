/** How often a rule's requests are tried again, and when. */
import type { HttpRouteRetry } from '../../../api/types/index.ts'
import { defaultRetries, type Retries } from '../policy/policy.ts'
import { parseDuration } from './duration.ts'

/** One request must not keep a backend busy for ever. */
const mostAttempts = 20
const mostBackoffMs = 60_000
const usualAttempts = 2

const isCode = (code: unknown): boolean =>
  Number.isInteger(code) && typeof code === 'number' && code >= 400 && code <= 599

/** What cannot be done; undefined when all is well. Servers of another make may let anything through. */
export const retryProblem = ({ codes = [], attempts = usualAttempts, backoff = '0s' }: HttpRouteRetry) => {
  const strange = codes.find((code) => !isCode(code))
  if (strange !== undefined) return `no retry after the status ${JSON.stringify(strange)}`
  if (!Number.isInteger(attempts) || attempts < 0 || attempts > mostAttempts)
    return `retry.attempts of ${JSON.stringify(attempts)}: at most ${mostAttempts} are made`
  const ms = parseDuration(backoff)
  return ms === undefined || ms > mostBackoffMs
    ? `retry.backoff of ${JSON.stringify(backoff)}: at most ${mostBackoffMs / 1000}s are waited`
    : undefined
}

/** Without a word of it requests are tried again as everywhere. */
export const retriesOf = (retry: HttpRouteRetry | undefined): Retries => {
  if (!retry || retryProblem(retry) !== undefined) return defaultRetries
  const { codes = [], attempts = usualAttempts, backoff = '0s' } = retry
  return { ...defaultRetries, tries: attempts + 1, statuses: codes, backoff: parseDuration(backoff) ?? 0 }
}
