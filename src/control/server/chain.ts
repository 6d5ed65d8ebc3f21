/** What happens to a request before it is answered, one step after the other. */
import type { Answer, Call, Handler } from './call.ts'

/** Refuses by throwing `ApiError`, or hands the call on, perhaps as another one. */
export type Step = (call: Call, next: Handler) => Answer | Promise<Answer>

export const throughSteps = (steps: readonly Step[], last: Handler): Handler =>
  steps.reduceRight<Handler>((next, step) => (call) => step(call, next), last)
