/** What the steps have found out about a request so far. */
import type { Changes } from '../http/changes.ts'
import type { Reply } from '../http/response-text.ts'
import type { Outside } from '../names/ask-outside.ts'
import type { Asking } from './asking.ts'
import type { Limiter } from './limiter.ts'

export interface Draft {
  /** Fields for the backend, from the steps. */
  readonly requestFields: [name: string, value: string][]
  /** Names of fields, small letters, that the backend does not get from the client. */
  readonly dropped: string[]
  /** Fields for the client, whoever answers. */
  readonly responseFields: [name: string, value: string][]
  /** To be called once the request is over. */
  readonly finally: (() => void)[]
}

export const createDraft = (): Draft => ({ requestFields: [], dropped: [], responseFields: [], finally: [] })

/** What steps use of a relay. */
export interface StepContext {
  readonly limiter: Limiter
  readonly outside: Pick<Outside, 'ask'>
  /** The port that plain HTTP is redirected to. */
  readonly httpsPort: number
  /** Told what a backend did wrong. */
  readonly report: (problem: string) => void
}

/** Looks at a request: an answer ends the matter, undefined passes it on. */
export type Step = (asking: Asking, draft: Draft, relay: StepContext) => Reply | undefined | Promise<Reply | undefined>

/** What a draft changes of the request: each field replaces what has its name. */
export const requestChangesOf = ({ dropped, requestFields }: Draft): Changes | undefined =>
  dropped.length + requestFields.length === 0
    ? undefined
    : { dropped: new Set([...dropped, ...requestFields.map(([name]) => name.toLowerCase())]), appended: requestFields }
