/** What the steps have found out about a request so far. */
import type { Changes } from '../http/changes.ts'
import type { Reply } from '../http/response-text.ts'
import type { RelayContext } from '../relay/context.ts'
import type { Asking } from './asking.ts'

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
export type StepContext = Pick<RelayContext, 'httpsPort' | 'limiter' | 'outside' | 'report'>

/** Looks at a request: an answer ends the matter, undefined passes it on. */
export type Step = (asking: Asking, draft: Draft, relay: StepContext) => Reply | undefined | Promise<Reply | undefined>

/** What a draft changes of the request: each field replaces what has its name. */
export const requestChangesOf = ({ dropped, requestFields }: Draft): Changes | undefined =>
  dropped.length + requestFields.length === 0
    ? undefined
    : { dropped: new Set([...dropped, ...requestFields.map(([name]) => name.toLowerCase())]), appended: requestFields }
