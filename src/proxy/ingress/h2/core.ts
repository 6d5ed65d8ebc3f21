/** What the parts of a connection share. */
import { type Budget, createBudget } from './budget.ts'
import { type ConnectionError, connectionError, type ErrorName, errorCodes } from './errors.ts'
import { frameTypes } from './frames.ts'
import { createHpackEncoder, type HpackEncoder } from './hpack-encoder.ts'
import { initialPeerLimits, limitsOf, type PeerLimits } from './limits.ts'
import { createOutput, type Output } from './output.ts'
import { createReceiver, type Receiver } from './receiver.ts'
import type { H2Limits, H2Options } from './seam.ts'
import { createSender, type Sender } from './sender.ts'
import type { StreamState } from './stream.ts'
import { createStreams, type Streams } from './streams.ts'

export interface Core {
  readonly options: H2Options
  readonly limits: H2Limits
  readonly peer: PeerLimits
  readonly streams: Streams
  readonly output: Output
  readonly encoder: HpackEncoder
  readonly sender: Sender
  readonly receiver: Receiver
  /** Pays for frames that bring nothing. */
  spend(frames: number): void
  /** Takes a new stream in. */
  add(stream: StreamState): void
  /** A client has reset a stream, or has made us do it: the cheapest way to have work done for nothing. */
  spendReset(): void
  /** Takes a stream out when both directions have ended. */
  settle(stream: StreamState): void
  /** Takes a stream out. */
  remove(stream: StreamState): void
  /** Sends RST_STREAM and takes the stream out. */
  reset(stream: StreamState, code: number): void
  /** A peer's mistake on one stream (RFC 9113 section 5.4.2). Throws `ConnectionError` when there are too many. */
  fault(stream: StreamState, name: ErrorName, why: string): void
}

/** What the connection wants to hear. */
export interface CoreEvents {
  touched(): void
  overflowed(): void
}

/** Useful work, and the frames that are to be expected with it: window updates, of old clients priorities too. */
const earnedByStream = 4
const earnedByData = 2
const resetBurst = 5
const controlBurst = 10

const tooMany = (what: string): ConnectionError => connectionError('ENHANCE_YOUR_CALM', `too many ${what}`)

const createBudgets = (limits: H2Limits, now: () => number): { readonly control: Budget; readonly resets: Budget } => ({
  control: createBudget(limits.controlFramesPerSecond, limits.controlFramesPerSecond * controlBurst, now),
  resets: createBudget(limits.resetsPerSecond, limits.resetsPerSecond * resetBurst, now),
})

export const createCore = (options: H2Options, events: CoreEvents): Core => {
  const limits = limitsOf(options)
  const budgets = createBudgets(limits, options.now ?? (() => performance.now()))
  const streams = createStreams(options.role)
  const encoder = createHpackEncoder()
  const output = createOutput(encoder, { write: options.write, ...events })
  const receiver = createReceiver(output, limits)

  const remove = (stream: StreamState): void => {
    if (!streams.remove(stream)) return
    stream.sendOpen = false
    stream.receiveOpen = false
    stream.paused = false
    sender.forget(stream)
    receiver.forget(stream)
  }
  const settle = (stream: StreamState): void => {
    if (stream.sendOpen || stream.receiveOpen) return
    remove(stream)
    // A table that the map of streams has outgrown still holds this one, which must not hold a whole request.
    stream.user = undefined
  }
  const sender = createSender(output, settle, () => budgets.control.earn(earnedByData))

  const reset = (stream: StreamState, code: number): void => {
    if (streams.open.get(stream.id) !== stream) return
    if (stream.receiveOpen) streams.keepReset(stream.id)
    output.number(frameTypes.RST_STREAM, stream.id, code)
    remove(stream)
  }

  const spendReset = (): void => {
    if (options.role === 'server' && !budgets.resets.spend(1)) throw tooMany('resets')
  }

  return {
    options,
    limits,
    peer: initialPeerLimits(),
    streams,
    output,
    encoder,
    sender,
    receiver,
    spend: (frames) => {
      if (!budgets.control.spend(frames)) throw tooMany('control frames')
    },
    add: (stream) => {
      streams.add(stream)
      budgets.control.earn(earnedByStream)
    },
    spendReset,
    settle,
    remove,
    reset,
    fault: (stream, name, why) => {
      reset(stream, errorCodes[name])
      stream.user?.aborted(`${name}: ${why}`, false)
      spendReset()
    },
  }
}
