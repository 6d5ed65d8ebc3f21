/** SETTINGS (RFC 9113 section 6.5). */
import { connectionError } from './errors.ts'
import { frameBytes, max31Bits } from './frames.ts'
import type { H2Limits } from './seam.ts'

const ids = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const

export const settingBytes = 6
const maxFrameSize = 0xff_ffff

/** What a peer's settings may change here. */
export interface SettingsTaker {
  headerTableSize(bytes: number): void
  maxConcurrentStreams(count: number): void
  initialWindowSize(bytes: number): void
}

const writeSettings = (settings: readonly (readonly [id: number, value: number])[]): Buffer => {
  const payload = Buffer.alloc(settings.length * settingBytes)
  settings.forEach(([id, value], at) => {
    payload.writeUInt16BE(id, at * settingBytes)
    payload.writeUInt32BE(value, at * settingBytes + 2)
  })
  return payload
}

/** The payload of our own; pushes are not wanted. */
export const ourSettings = (role: 'server' | 'client', limits: H2Limits): Buffer =>
  writeSettings([
    role === 'server' ? [ids.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams] : [ids.ENABLE_PUSH, 0],
    [ids.INITIAL_WINDOW_SIZE, limits.streamWindow],
    [ids.MAX_HEADER_LIST_SIZE, limits.headerListBytes],
  ])

const takeSetting = (id: number, value: number, fromServer: boolean, taker: SettingsTaker): void => {
  if (id === ids.HEADER_TABLE_SIZE) taker.headerTableSize(value)
  else if (id === ids.MAX_CONCURRENT_STREAMS) taker.maxConcurrentStreams(value)
  else if (id === ids.INITIAL_WINDOW_SIZE) {
    if (value > max31Bits) throw connectionError('FLOW_CONTROL_ERROR', 'initial window too large')
    taker.initialWindowSize(value)
  } else if (id === ids.ENABLE_PUSH) {
    if (value > (fromServer ? 0 : 1)) throw connectionError('PROTOCOL_ERROR', 'wrong ENABLE_PUSH')
  } else if (id === ids.MAX_FRAME_SIZE && (value < frameBytes || value > maxFrameSize))
    throw connectionError('PROTOCOL_ERROR', 'wrong MAX_FRAME_SIZE')
}

/** Reads a payload, tells `taker` what matters and throws `ConnectionError` for what must not be. */
export const readSettings = (
  bytes: Buffer,
  start: number,
  end: number,
  fromServer: boolean,
  taker: SettingsTaker,
): void => {
  for (let at = start; at < end; at += settingBytes)
    takeSetting(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2), fromServer, taker)
}
