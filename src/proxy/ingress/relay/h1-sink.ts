/** Answers on an HTTP/1.x connection. */
import type { Changes } from '../http/changes.ts'
import { trailerLines } from '../http/fields.ts'
import type { Framing } from '../http/framing.ts'
import type { ResponseHead } from '../http/response-head.ts'
import { responseText } from '../http/response-text.ts'
import { createHeadedWriter, type Write } from './headed-writer.ts'
import type { Sink } from './sink.ts'

export interface H1SinkOptions {
  /** The x of the client's HTTP/1.x. */
  readonly minor: 0 | 1
  readonly date: () => string
  /** Whether the connection can serve another request; asked when the answer begins. */
  readonly mayKeepAlive: () => boolean
  /** Towards the client. */
  readonly write: Write
}

export interface H1Sink extends Sink {
  /** Whether the client was told that its connection goes on. */
  readonly keepAlive: boolean
}

const crlf = Buffer.from('\r\n')

export const createH1Sink = ({ minor, date, mayKeepAlive, write }: H1SinkOptions): H1Sink => {
  const writer = createHeadedWriter(write)
  let begun = false
  let frames = false
  let isChunked = false

  const begin = (head: ResponseHead, received: Framing, changes: Changes | undefined): void => {
    const framing = received === 'chunked' && minor === 0 ? 'close' : received
    isChunked = framing === 'chunked'
    sink.keepAlive = head.status === 101 || (framing !== 'close' && mayKeepAlive())
    writer.head(responseText(head, { minor, framing, keepAlive: sink.keepAlive, date: date(), changes }))
    begun = true
  }

  const sink: H1Sink & { keepAlive: boolean } = {
    keepAlive: false,
    takesChunks: minor === 1,
    interim: (head) => {
      if (minor === 1) write(responseText(head, { minor, framing: 0, keepAlive: true, date: date() }))
    },
    begin,
    write: (piece) => {
      if (!frames || !isChunked) return writer.write(piece)
      if (piece.length === 0) return true
      return writer.write(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1'), piece, crlf]))
    },
    flush: () => {
      writer.flush()
    },
    end: (trailers) => {
      if (frames && isChunked) {
        writer.write(Buffer.from(`0\r\n${trailerLines(trailers)}\r\n`, 'latin1'))
      }
      writer.flush()
    },
    frameChunks: () => {
      frames = true
    },
    begun: () => begun && writer.isFlushed(),
  }
  return sink
}
