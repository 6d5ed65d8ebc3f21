/**
 * Which bytes may stand where in a head (RFC 9110 section 5.6, RFC 9112). Heads are read as latin1 text, in which one
 * character is one byte.
 */

/** One entry a byte, 1 where the byte is allowed. */
export type ByteSet = Uint8Array

const byteSet = (allows: (byte: number) => boolean): ByteSet =>
  Uint8Array.from({ length: 256 }, (_, byte) => (allows(byte) ? 1 : 0))

const among = (characters: string): ByteSet => byteSet((byte) => characters.includes(String.fromCharCode(byte)))

/** Field names and other tokens. */
export const tokenBytes = byteSet((byte) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)))

/** Field values: visible bytes, blanks and what is beyond ASCII. */
export const valueBytes = byteSet((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f))

/** Methods: case matters (RFC 9110 section 9.1), and every registered one is in capitals. */
export const methodBytes = among('ABCDEFGHIJKLMNOPQRSTUVWXYZ-')

/** Request targets: visible ASCII. A fragment never travels. */
export const targetBytes = byteSet((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23)

export const spaceBytes = among(' ')

/** What folds a line, or stands before a colon, where neither may be. */
export const blankBytes = among(' \t')

const unfit = /[^\t\x20-\x7e\x80-\xff]/
const unfits = /[^\t\x20-\x7e\x80-\xff]/gu

/**
 * A value that the proxy itself sets, as it may travel. Heads are written as latin1, where U+010A would become a line
 * feed: what is beyond a byte goes as UTF-8, and control characters become blanks.
 */
export const fieldValue = (value: string): string =>
  unfit.test(value)
    ? value.replace(unfits, (letter) => (letter > '\xff' ? Buffer.from(letter, 'utf8').toString('latin1') : ' '))
    : value

export const CR = 0x0d
export const LF = 0x0a

/** The first position at or after `start` whose byte is not in the set. */
export const skip = (text: string, start: number, bytes: ByteSet): number => {
  let at = start
  while (bytes[text.charCodeAt(at)] === 1) at++
  return at
}

/** Whether CR LF stands at `at`. */
export const isLineEnd = (text: string, at: number): boolean =>
  text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF
