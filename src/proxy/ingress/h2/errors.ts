/** Errors of HTTP/2 (RFC 9113 sections 5.4 and 7). */

export const errorCodes = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const

export type ErrorName = keyof typeof errorCodes

const names: ReadonlyMap<number, string> = new Map(Object.entries(errorCodes).map(([name, code]) => [code, name]))

/** What an error code of a peer is called in messages. */
export const errorName = (code: number): string => names.get(code) ?? `error ${code}`

/** What a peer did to end its connection. Thrown while reading, caught in `receive`, told by GOAWAY. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly code: number

  constructor(code: number, why: string) {
    super(why)
    this.code = code
  }
}

export const connectionError = (name: ErrorName, why: string): ConnectionError =>
  new ConnectionError(errorCodes[name], `${name}: ${why}`)

export const isConnectionError = (error: unknown): error is ConnectionError => error instanceof ConnectionError
