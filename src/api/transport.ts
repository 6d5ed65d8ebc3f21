import type { WatchEvent } from './types/index.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface ApiRequest {
  readonly method: Method
  /** Without the query. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** `application/json` unless it is a patch. */
  readonly contentType?: string
}

/**
 * A way to an API server: over HTTPS, or straight into the handler when server and client share a process.
 * Both reject with `ApiError` when the server answers with a failure, and with any other error when it could not be
 * reached.
 */
export interface ApiTransport {
  /** One request, its JSON answer. */
  request(request: ApiRequest, signal?: AbortSignal): Promise<unknown>
  /** A watch: events until the server ends it, the signal aborts or the connection breaks (which throws). */
  watch(request: ApiRequest, signal: AbortSignal): AsyncIterable<WatchEvent>
}
