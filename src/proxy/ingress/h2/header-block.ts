/** Puts a header block together from a HEADERS frame and the CONTINUATION frames behind it (RFC 9113 section 4.3). */
import { connectionError } from './errors.ts'

export interface HeaderBlock {
  /** The stream whose block is not complete; 0: none. */
  readonly stream: number
  /** Whether the HEADERS frame said that nothing follows. */
  readonly ends: boolean
  begin(stream: number, ends: boolean, fragment: Buffer): void
  add(fragment: Buffer): void
  /** The whole block. */
  finish(): Buffer
}

/** Honest peers fill their frames. */
const maxFragments = 32

/** Throws `ConnectionError` for a block beyond `maxBytes`, or one in too many pieces: nothing bounds them otherwise. */
export const createHeaderBlock = (maxBytes: number): HeaderBlock => {
  let stream = 0
  let ends = false
  let fragments: Buffer[] = []
  let bytes = 0

  const add = (fragment: Buffer): void => {
    fragments.push(fragment)
    bytes += fragment.length
    if (bytes > maxBytes || fragments.length > maxFragments)
      throw connectionError('ENHANCE_YOUR_CALM', 'header block too large')
  }

  return {
    get stream() {
      return stream
    },
    get ends() {
      return ends
    },
    begin: (id, endsStream, fragment) => {
      stream = id
      ends = endsStream
      add(fragment)
    },
    add,
    finish: () => {
      const block = Buffer.concat(fragments)
      stream = 0
      fragments = []
      bytes = 0
      return block
    },
  }
}
