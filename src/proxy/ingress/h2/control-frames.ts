/** The peer's SETTINGS, PING and GOAWAY (RFC 9113 sections 6.5, 6.7 and 6.8). */
import type { Core } from './core.ts'
import { connectionError, errorName } from './errors.ts'
import { flags, frameTypes, read31 } from './frames.ts'
import { readSettings, type SettingsTaker, settingBytes } from './settings.ts'
import { fitsWindow } from './stream.ts'

export type TakeControlFrame = (flag: number, id: number, bytes: Buffer, start: number, end: number) => void

export interface ControlFrames {
  readonly settings: TakeControlFrame
  readonly ping: TakeControlFrame
  readonly goAway: TakeControlFrame
}

export interface ControlEvents {
  /** The peer has answered our PING. */
  ponged(): void
  /** The peer takes no new streams, and has not looked at ours beyond `last`. */
  leaving(last: number, error: string): void
}

const pingBytes = 8
const leastGoAwayBytes = 8
const nothing = Buffer.alloc(0)

const requireConnection = (id: number, what: string): void => {
  if (id !== 0) throw connectionError('PROTOCOL_ERROR', `${what} on stream ${id}`)
}

export const createControlFrames = (core: Core, events: ControlEvents): ControlFrames => {
  const { encoder, output, peer, sender, streams } = core

  const taker: SettingsTaker = {
    headerTableSize: encoder.limit,
    maxConcurrentStreams: (count) => {
      peer.maxConcurrentStreams = count
    },
    /** Changes the windows of all streams; they may become negative (section 6.9.2). */
    initialWindowSize: (bytes) => {
      const more = bytes - peer.streamWindow
      peer.streamWindow = bytes
      for (const stream of streams.open.values()) {
        if (!fitsWindow(stream.sendWindow, more)) throw connectionError('FLOW_CONTROL_ERROR', 'window too large')
        stream.sendWindow += more
      }
      sender.resumeAll()
    },
  }

  const settings: TakeControlFrame = (flag, id, bytes, start, end) => {
    requireConnection(id, 'SETTINGS')
    const acknowledges = (flag & flags.ACK) !== 0
    const length = end - start
    if (length % settingBytes !== 0 || (acknowledges && length > 0))
      throw connectionError('FRAME_SIZE_ERROR', 'wrong SETTINGS')
    core.spend(1 + length / settingBytes)
    if (acknowledges) return
    readSettings(bytes, start, end, core.options.role === 'client', taker)
    output.frame(frameTypes.SETTINGS, flags.ACK, 0, nothing)
  }

  const ping: TakeControlFrame = (flag, id, bytes, start, end) => {
    requireConnection(id, 'PING')
    if (end - start !== pingBytes) throw connectionError('FRAME_SIZE_ERROR', 'wrong PING')
    core.spend(1)
    if ((flag & flags.ACK) !== 0) events.ponged()
    else output.frame(frameTypes.PING, flags.ACK, 0, bytes.subarray(start, end))
  }

  const goAway: TakeControlFrame = (_flag, id, bytes, start, end) => {
    requireConnection(id, 'GOAWAY')
    if (end - start < leastGoAwayBytes) throw connectionError('FRAME_SIZE_ERROR', 'wrong GOAWAY')
    core.spend(1)
    events.leaving(read31(bytes, start), errorName(bytes.readUInt32BE(start + 4)))
  }

  return { settings, ping, goAway }
}
