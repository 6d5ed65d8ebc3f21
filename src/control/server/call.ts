/** Requests and answers of the API server, without sockets. */
import type { OutgoingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Method } from '../../api/transport.ts'
import type { KubeList, WatchEvent } from '../../api/types/index.ts'
import type { Upgrade } from '../../host/upgrade.ts'
import type { Credentials } from '../auth/authenticate.ts'
import type { User } from '../auth/user.ts'
import { type RequestInfo, requestInfo } from '../request/request-info.ts'

export type Headers = Readonly<Record<string, readonly string[] | undefined>>

/** Both ways to a request's headers. */
export const withHeaders = (headers: Headers): Pick<Call, 'headers' | 'header'> => ({
  headers,
  header: (name) => (headers[name.toLowerCase()] ?? []).join(', '),
})

/** What a request asks for, as it was sent and as it was understood. */
export const asking = (
  method: Method,
  path: string,
  query: URLSearchParams,
): Pick<Call, 'method' | 'path' | 'query' | 'info'> => ({ method, path, query, info: requestInfo(method, path, query) })

export interface RawRequest {
  /** Methods that only proxies know among them: such a call has the method GET. */
  readonly method: string
  /** The query with its question mark, or nothing. */
  readonly search: string
  /** The body, while it comes; undefined when there is none. Not to be asked for beside `Call.body`. */
  readonly body: () => Readable | undefined
}

/** What the steps tell the audit log of a request. */
export interface AuditTrail {
  actsAs(user: User): void
  annotate(key: string, value: string, from?: 'Request'): void
}

/** One authenticated request. */
export interface Call {
  readonly method: Method
  readonly path: string
  readonly query: URLSearchParams
  /** What these three ask for. */
  readonly info: RequestInfo
  readonly user: User
  /** Missing: nothing is written of this request. */
  readonly trail?: AuditTrail
  /** By which the audit log and the answer name it; missing within the process. */
  readonly id?: string
  /** Who has connected; missing within the process. */
  readonly address?: string
  /** By their names in lower case, each with all its values. */
  readonly headers: Headers
  /** One of them, its values joined by commas; empty when it is missing. */
  readonly header: (name: string) => string
  /** Without parameters, in lower case; empty when there is no body. */
  readonly contentType: string
  /**
   * The parsed body; undefined when there is none. It may be `limit` bytes long, or what objects may be. Throws
   * BadRequest, RequestEntityTooLarge, UnsupportedMediaType, TooManyRequests.
   */
  readonly body: (limit?: number) => Promise<unknown>
  /** The bytes of the body, empty when there is none. Bounds as for `body`. */
  readonly rawBody: (limit?: number) => Promise<Uint8Array>
  /** As the client has sent it, for who hands it on. Missing where there is no client. */
  readonly raw?: RawRequest
  /** Ends when the client goes away. */
  readonly signal: AbortSignal
}

/** An event as it goes to one kind of client; equal for all that asked for the same representation. */
export type Emit = (event: WatchEvent<unknown>) => void

/** What is kept nowhere has no version. */
export type ShownList = Omit<KubeList<object>, 'metadata'> & {
  readonly metadata: Partial<KubeList<object>['metadata']>
}

export type Answer =
  | {
      readonly kind: 'object'
      readonly code: number
      readonly object: unknown
      /** When it is not plain `application/json`. */
      readonly contentType?: string
      /** Told to the user by kubectl, one line each; so for the other kinds of answers. */
      readonly warnings?: readonly string[]
    }
  | {
      readonly kind: 'list'
      /** Its items are objects as the store has them, and not to be changed. */
      readonly list: ShownList
      /** Sent without the items' kind and apiVersion: those of built-in kinds are known from the list's. */
      readonly bare: boolean
      readonly warnings?: readonly string[]
    }
  | {
      readonly kind: 'watch'
      /** Emits until the signal aborts; resolves at the end of the watch. */
      readonly run: (emit: Emit, signal: AbortSignal) => Promise<void>
      readonly contentType?: string
      readonly warnings?: readonly string[]
    }
  | {
      readonly kind: 'bytes'
      readonly contentType: string
      readonly bytes: string | Uint8Array
      /** 200 when missing. */
      readonly code?: number
      /** Names this content among others of the path: who has it already is told so (304). */
      readonly tag?: string
    }
  /** Bytes that come while they are sent: logs, and what others answer. */
  | {
      readonly kind: 'stream'
      readonly contentType: string
      readonly chunks: AsyncIterable<Uint8Array>
      /** 200 when missing. */
      readonly code?: number
      /** Further ones. */
      readonly headers?: OutgoingHttpHeaders
    }
  /** The connection itself: `take` speaks another protocol over it, and says so first. `refuse` when it is not to be had. */
  | { readonly kind: 'upgraded'; readonly take: (upgrade: Upgrade) => void; readonly refuse: () => void }

export const objectAnswer = (object: unknown, code = 200, warnings?: readonly string[]): Answer => ({
  kind: 'object',
  code,
  object,
  ...(warnings && warnings.length > 0 ? { warnings } : {}),
})

/** It was done, and there is no object to show for it. */
export const madeAnswer = (warnings: readonly string[]): Answer =>
  objectAnswer({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, 201, warnings)

/** The same, with one more thing told to the user, where it is an answer of this server's own. */
export const warned = (answer: Answer, warning: string): Answer =>
  answer.kind === 'object' || answer.kind === 'list' || answer.kind === 'watch'
    ? { ...answer, warnings: [warning, ...(answer.warnings ?? [])] }
    : answer

/** The code that an answer goes out with. */
export const codeOf = (answer: Answer): number => {
  if (answer.kind === 'upgraded') return 101
  return 'code' in answer && answer.code !== undefined ? answer.code : 200
}

/** Answers a call or throws `ApiError`. */
export type Handler = (call: Call) => Answer | Promise<Answer>

/** A request before it is known who makes it. */
export type Incoming = Omit<Call, 'user'> & { readonly credentials: Credentials }
export type IncomingHandler = (incoming: Incoming) => Promise<Answer>
