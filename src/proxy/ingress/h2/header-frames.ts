/** HEADERS and CONTINUATION frames of the peer (RFC 9113 sections 6.2 and 6.10). */
import type { Field } from '../http/fields.ts'
import type { Core } from './core.ts'
import { connectionError, errorCodes } from './errors.ts'
import { flags, frameTypes } from './frames.ts'
import { createHeaderBlock } from './header-block.ts'
import { createHpackDecoder } from './hpack-decoder.ts'
import { contentOf } from './padding.ts'
import type { SentField } from './seam.ts'
import type { StreamState } from './stream.ts'

export interface HeaderFrames {
  /** The stream for which only CONTINUATION may come now; 0: none. */
  readonly expects: number
  headers(flag: number, id: number, bytes: Buffer, start: number, end: number): void
  continuation(flag: number, id: number, bytes: Buffer, start: number, end: number): void
}

/** Opens a stream for a request. */
export type StartStream = (id: number, fields: readonly Field[], ends: boolean) => void

const priorityBytes = 5
/** A coded block is shorter than its list, but not when somebody sends much too much: that still deserves its 431. */
const blockBytesPerListByte = 2

const tooLarge: readonly SentField[] = [
  { key: ':status', value: '431' },
  { key: 'content-length', value: '0' },
]

const isInterim = (fields: readonly Field[]): boolean => {
  const [first] = fields
  return first?.key === ':status' && first.value.startsWith('1') && first.value.length === 3
}

export const createHeaderFrames = (core: Core, startStream: StartStream): HeaderFrames => {
  const { limits, output, streams } = core
  const decoder = createHpackDecoder(limits.headerListBytes)
  const block = createHeaderBlock(limits.headerListBytes * blockBytesPerListByte)

  const refuse = (id: number, ends: boolean, code: number): void => {
    output.number(frameTypes.RST_STREAM, id, code)
    if (!ends) streams.keepReset(id)
  }

  const takeRequest = (id: number, fields: readonly Field[] | undefined, ends: boolean): void => {
    streams.use(id)
    if (streams.open.size >= limits.maxConcurrentStreams) {
      refuse(id, ends, errorCodes.REFUSED_STREAM)
      return core.spendReset()
    }
    if (fields === undefined) {
      output.headers(id, tooLarge, true)
      if (!ends) refuse(id, ends, errorCodes.NO_ERROR)
      return core.spend(1)
    }
    startStream(id, fields, ends)
  }

  /** What is wrong with a further block of a stream, if anything. */
  const wrongOrder = (stream: StreamState, fields: readonly Field[], ends: boolean): string | undefined => {
    if (stream.headed) return ends ? undefined : 'trailers that do not end the stream'
    if (!isInterim(fields)) stream.headed = true
    else if (ends) return 'an interim answer that ends the stream'
    return undefined
  }

  const takeMore = (stream: StreamState, fields: readonly Field[] | undefined, ends: boolean): void => {
    if (!stream.receiveOpen) return core.fault(stream, 'STREAM_CLOSED', 'fields behind the end')
    if (fields === undefined) return core.fault(stream, 'CANCEL', 'too many fields')
    const wrong = wrongOrder(stream, fields, ends)
    if (wrong !== undefined) return core.fault(stream, 'PROTOCOL_ERROR', wrong)
    if (ends) stream.receiveOpen = false
    stream.user?.fields(fields, ends)
    core.settle(stream)
  }

  /** Each block must be decoded, even one that nobody wants: the next may refer to what it put into the table. */
  const takeBlock = (id: number, ends: boolean, bytes: Buffer, start: number, end: number): void => {
    const fields = decoder.decode(bytes, start, end)
    const stream = streams.open.get(id)
    if (stream !== undefined) return takeMore(stream, fields, ends)
    if (streams.isNext(id)) return takeRequest(id, fields, ends)
    if (streams.wasReset(id)) return core.spend(1)
    if (streams.isIdle(id)) throw connectionError('PROTOCOL_ERROR', `fields on stream ${id}, which is not open`)
    throw connectionError('STREAM_CLOSED', `fields on stream ${id}, which is closed`)
  }

  return {
    get expects() {
      return block.stream
    },
    headers: (flag, id, bytes, frameStart, frameEnd) => {
      if (id === 0) throw connectionError('PROTOCOL_ERROR', 'HEADERS on stream 0')
      const others = (flag & flags.PRIORITY) === 0 ? 0 : priorityBytes
      const { start, end } = contentOf(flag, bytes, frameStart, frameEnd, others)
      const ends = (flag & flags.END_STREAM) !== 0
      if ((flag & flags.END_HEADERS) !== 0) takeBlock(id, ends, bytes, start, end)
      else block.begin(id, ends, bytes.subarray(start, end))
    },
    continuation: (flag, id, bytes, start, end) => {
      if (block.stream === 0) throw connectionError('PROTOCOL_ERROR', 'CONTINUATION of nothing')
      block.add(bytes.subarray(start, end))
      if ((flag & flags.END_HEADERS) === 0) return
      const whole = block.finish()
      takeBlock(id, block.ends, whole, 0, whole.length)
    },
  }
}
