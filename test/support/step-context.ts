/** What the steps of a decision use of a relay, where nobody outside is to be asked. */
import type { StepContext } from '../../src/proxy/ingress/decide/draft.ts'
import { createLimiter } from '../../src/proxy/ingress/decide/limiter.ts'

export const stepContext = (): StepContext => ({
  httpsPort: 443,
  limiter: createLimiter({ now: () => 0 }),
  outside: { ask: () => Promise.reject(new Error('nobody is to be asked')) },
  report: () => {},
})
