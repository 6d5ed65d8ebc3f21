/** The layout of frames (RFC 9113 section 4.1) and their types. */

export const frameTypes = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const

/** Flags mean something for some types only; ACK and END_STREAM share a bit. */
export const flags = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const

export const frameHeaderBytes = 9

/** The length that every peer takes, and the only one that we take. */
export const frameBytes = 16_384

/** The largest stream number, window and increment. */
export const max31Bits = 0x7fff_ffff

/** The window of a connection, and of a stream until SETTINGS say otherwise. */
export const initialWindow = 65_535

/** What a client sends first (section 3.4). */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** The 31 bits at `at` of what is known to be long enough. */
export const read31 = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at) & max31Bits
