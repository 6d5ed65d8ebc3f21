/** Which frames may come when, and who takes them (RFC 9113 sections 4.3, 3.4 and 6). */
import type { ControlFrames } from './control-frames.ts'
import type { Core } from './core.ts'
import { connectionError } from './errors.ts'
import type { TakeFrame } from './frame-reader.ts'
import { frameTypes } from './frames.ts'
import type { HeaderFrames } from './header-frames.ts'
import type { StreamFrames } from './stream-frames.ts'

export interface FrameTakers {
  readonly header: HeaderFrames
  readonly stream: StreamFrames
  readonly control: ControlFrames
}

type Taker = (flag: number, id: number, bytes: Buffer, start: number, end: number) => void

const refusePush: Taker = () => {
  throw connectionError('PROTOCOL_ERROR', 'PUSH_PROMISE')
}

const takerTable = ({ header, stream, control }: FrameTakers): readonly Taker[] => {
  const takers: Record<(typeof frameTypes)[keyof typeof frameTypes], Taker> = {
    [frameTypes.DATA]: stream.data,
    [frameTypes.HEADERS]: header.headers,
    [frameTypes.PRIORITY]: stream.priority,
    [frameTypes.RST_STREAM]: stream.reset,
    [frameTypes.SETTINGS]: control.settings,
    [frameTypes.PUSH_PROMISE]: refusePush,
    [frameTypes.PING]: control.ping,
    [frameTypes.GOAWAY]: control.goAway,
    [frameTypes.WINDOW_UPDATE]: stream.windowUpdate,
    [frameTypes.CONTINUATION]: header.continuation,
  }
  return Object.values(takers)
}

/** Throws `ConnectionError` for a frame out of order, and what the takers throw. Unknown types are ignored (section 5.5). */
export const createFrameTable = (core: Core, takers: FrameTakers): TakeFrame => {
  const table = takerTable(takers)
  const { header } = takers
  let settled = false

  const requireOrder = (type: number, id: number): void => {
    if (!settled && type !== frameTypes.SETTINGS) throw connectionError('PROTOCOL_ERROR', 'SETTINGS do not come first')
    settled = true
    if (header.expects !== 0 && (type !== frameTypes.CONTINUATION || id !== header.expects))
      throw connectionError('PROTOCOL_ERROR', 'a frame inside a header block')
  }

  return (type, flag, id, bytes, start, end) => {
    requireOrder(type, id)
    const take = table[type]
    if (take === undefined) core.spend(1)
    else take(flag, id, bytes, start, end)
  }
}
