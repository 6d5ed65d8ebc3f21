/** The peer's frames that belong to a stream, but for its header blocks. */
import type { Core } from './core.ts'
import { connectionError, errorCodes, errorName } from './errors.ts'
import { flags, frameTypes, read31 } from './frames.ts'
import { contentOf } from './padding.ts'
import { fitsWindow, type StreamState } from './stream.ts'

export type TakeStreamFrame = (flag: number, id: number, bytes: Buffer, start: number, end: number) => void

export interface StreamFrames {
  readonly data: TakeStreamFrame
  readonly reset: TakeStreamFrame
  readonly windowUpdate: TakeStreamFrame
  readonly priority: TakeStreamFrame
}

const numberBytes = 4
const priorityBytes = 5

export const createStreamFrames = (core: Core): StreamFrames => {
  const { output, receiver, sender, streams } = core

  const refuseIdle = (id: number, what: string): void => {
    if (streams.isIdle(id)) throw connectionError('PROTOCOL_ERROR', `${what} on stream ${id}, which is not open`)
  }

  /** Data for a stream that is gone. */
  const dropData = (id: number, length: number): void => {
    refuseIdle(id, 'DATA')
    receiver.drop(length)
    core.spend(1)
    if (streams.wasReset(id)) return
    output.number(frameTypes.RST_STREAM, id, errorCodes.STREAM_CLOSED)
    core.spendReset()
  }

  const wrongData = (stream: StreamState, length: number): boolean => {
    if (!stream.receiveOpen) core.fault(stream, 'STREAM_CLOSED', 'data behind the end')
    else if (!stream.headed) core.fault(stream, 'PROTOCOL_ERROR', 'data before the head')
    else if (!receiver.takeFor(stream, length)) core.fault(stream, 'FLOW_CONTROL_ERROR', 'more data than allowed')
    else return false
    receiver.drop(length)
    return true
  }

  const data: TakeStreamFrame = (flag, id, bytes, frameStart, frameEnd) => {
    if (id === 0) throw connectionError('PROTOCOL_ERROR', 'DATA on stream 0')
    const { start, end } = contentOf(flag, bytes, frameStart, frameEnd)
    // Padding counts.
    const length = frameEnd - frameStart
    if (!receiver.take(length)) throw connectionError('FLOW_CONTROL_ERROR', 'more data than allowed')
    const ends = (flag & flags.END_STREAM) !== 0
    if (start === end && !ends) core.spend(1)
    const stream = streams.open.get(id)
    if (stream === undefined) return dropData(id, length)
    if (wrongData(stream, length)) return
    if (ends) stream.receiveOpen = false
    if (end > start || ends) stream.user?.data(bytes.subarray(start, end), ends)
    receiver.used(stream, length)
    if (ends) core.settle(stream)
  }

  const reset: TakeStreamFrame = (_flag, id, bytes, start, end) => {
    if (id === 0) throw connectionError('PROTOCOL_ERROR', 'RST_STREAM on stream 0')
    if (end - start !== numberBytes) throw connectionError('FRAME_SIZE_ERROR', 'wrong RST_STREAM')
    refuseIdle(id, 'RST_STREAM')
    core.spend(1)
    const stream = streams.open.get(id)
    if (stream === undefined) return
    // After our whole answer it costs us nothing.
    const wasted = stream.sendOpen
    const code = bytes.readUInt32BE(start)
    core.remove(stream)
    stream.user?.aborted(`reset: ${errorName(code)}`, code === errorCodes.REFUSED_STREAM)
    if (wasted) core.spendReset()
  }

  const widenConnection = (increment: number): void => {
    if (increment === 0) throw connectionError('PROTOCOL_ERROR', 'WINDOW_UPDATE of nothing')
    if (!sender.widen(increment)) throw connectionError('FLOW_CONTROL_ERROR', 'window too large')
    sender.resumeAll()
  }

  const widenStream = (stream: StreamState, increment: number): void => {
    if (increment === 0) return core.fault(stream, 'PROTOCOL_ERROR', 'WINDOW_UPDATE of nothing')
    if (!fitsWindow(stream.sendWindow, increment)) return core.fault(stream, 'FLOW_CONTROL_ERROR', 'window too large')
    stream.sendWindow += increment
    sender.resume(stream)
  }

  const windowUpdate: TakeStreamFrame = (_flag, id, bytes, start, end) => {
    if (end - start !== numberBytes) throw connectionError('FRAME_SIZE_ERROR', 'wrong WINDOW_UPDATE')
    core.spend(1)
    const increment = read31(bytes, start)
    if (id === 0) return widenConnection(increment)
    refuseIdle(id, 'WINDOW_UPDATE')
    const stream = streams.open.get(id)
    if (stream !== undefined) widenStream(stream, increment)
  }

  /** Priorities are deprecated; only their form matters (section 5.3.2). */
  const priority: TakeStreamFrame = (_flag, id, _bytes, start, end) => {
    if (id === 0) throw connectionError('PROTOCOL_ERROR', 'PRIORITY on stream 0')
    core.spend(1)
    if (end - start === priorityBytes) return
    const stream = streams.open.get(id)
    if (stream === undefined) throw connectionError('FRAME_SIZE_ERROR', 'wrong PRIORITY')
    core.fault(stream, 'FRAME_SIZE_ERROR', 'wrong PRIORITY')
  }

  return { data, reset, windowUpdate, priority }
}
