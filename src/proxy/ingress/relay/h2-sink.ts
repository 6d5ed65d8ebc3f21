/** Answers on a stream of an HTTP/2 connection. */
import type { H2Stream } from '../h2/seam.ts'
import { isBodiless } from '../http/response-head.ts'
import { responseFields } from '../http/response-text.ts'
import type { Sink } from './sink.ts'

const nothing = Buffer.alloc(0)

export const createH2Sink = (stream: H2Stream, methodOf: () => string, date: () => string): Sink => {
  let begun = false
  let ended = false
  return {
    takesChunks: false,
    frameChunks: () => {},
    interim: (head) => {
      // 101 has no meaning here, and who asked for 100 gets it by the window.
      if (head.status !== 101) stream.sendFields(responseFields(head, date()), false)
    },
    begin: (head, framing, changes) => {
      const fields = responseFields(head, date(), changes)
      begun = true
      ended = framing === 0 || isBodiless(methodOf(), head.status)
      stream.sendFields(fields, ended)
    },
    write: (piece) => ended || stream.write(piece, false),
    flush: () => {},
    end: (trailers) => {
      if (ended) return
      ended = true
      if (trailers.length > 0) stream.sendFields(trailers, true)
      else stream.write(nothing, true)
    },
    begun: () => begun,
  }
}
