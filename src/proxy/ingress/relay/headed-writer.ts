/** Writes a head together with the first piece of its body: one system call and one packet for a small message. */

/** False when the receiver wants a pause. Text is latin1. */
export type Write = (data: string | Buffer) => boolean

export interface HeadedWriter {
  /** Keeps a head back until the first piece follows. */
  head(text: string): void
  write(piece: Buffer): boolean
  /** Writes a head that still waits. */
  flush(): boolean
  isFlushed(): boolean
}

/** Up to here a copy is cheaper than a second system call. */
const maxCopyBytes = 16 * 1024

/** Up to here it is cheapest to make text of it: Node writes short texts without a buffer of their own. */
const maxTextBytes = 1024

const join = (head: string, piece: Buffer): Buffer => {
  const joined = Buffer.allocUnsafe(head.length + piece.length)
  joined.write(head, 0, 'latin1')
  piece.copy(joined, head.length)
  return joined
}

export const createHeadedWriter = (write: Write): HeadedWriter => {
  let waiting = ''

  const flush = (): boolean => {
    if (waiting === '') return true
    const text = waiting
    waiting = ''
    return write(text)
  }

  return {
    head: (text) => {
      waiting = text
    },
    write: (piece) => {
      if (waiting !== '' && piece.length <= maxCopyBytes) {
        const text = waiting
        waiting = ''
        return write(piece.length <= maxTextBytes ? text + piece.toString('latin1') : join(text, piece))
      }
      flush()
      return write(piece)
    },
    flush,
    isFlushed: () => waiting === '',
  }
}
