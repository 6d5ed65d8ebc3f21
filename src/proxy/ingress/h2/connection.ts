/** One connection of HTTP/2 (RFC 9113), in either role, over any stream of bytes. */
import { createControlFrames } from './control-frames.ts'
import { type Core, createCore } from './core.ts'
import { createDeparture, goAwayPayload } from './departure.ts'
import { errorCodes, isConnectionError } from './errors.ts'
import { createFrameReader, type TakeFrame } from './frame-reader.ts'
import { createFrameTable } from './frame-table.ts'
import { frameTypes, preface } from './frames.ts'
import { createGreeting } from './greeting.ts'
import { createHeaderFrames, type StartStream } from './header-frames.ts'
import type { H2Connection, H2Options, H2Stream, StreamUser } from './seam.ts'
import { ourSettings } from './settings.ts'
import { createStreamState, type StreamState } from './stream.ts'
import { createStreamFrames } from './stream-frames.ts'
import { createTurns } from './turns.ts'

const handleOf = (stream: StreamState, { sender, receiver, reset }: Core): H2Stream => ({
  id: stream.id,
  sendFields: (fields, ends) => sender.fields(stream, fields, ends),
  write: (bytes, ends) => sender.write(stream, bytes, ends),
  reset: (code) => reset(stream, code),
  pause: () => receiver.pause(stream),
  resume: () => receiver.resume(stream),
})

const greet = ({ options, limits, output, receiver }: Core): void => {
  if (options.role === 'client') output.raw(preface)
  output.frame(frameTypes.SETTINGS, 0, 0, ourSettings(options.role, limits))
  receiver.open()
}

/** Sends SETTINGS, and as a client the preface, at once. */
export const createH2Connection = (options: H2Options): H2Connection => {
  let over = false

  const abortAll = (why: string): void => {
    for (const stream of [...streams.open.values()]) {
      core.remove(stream)
      stream.user?.aborted(why, false)
    }
  }

  const end = (error: string | undefined): void => {
    if (over) return
    over = true
    abortAll(error ?? 'the connection has ended')
    output.finish()
    options.closed(error)
  }

  const fail = (code: number, why: string): void => {
    if (over) return
    output.frame(frameTypes.GOAWAY, 0, 0, goAwayPayload(streams.lastOfPeer, code))
    end(why)
  }

  /** Whatever brings the last stream to its end has something to be flushed, or is read in a turn. */
  const flush = (): void => {
    if (over) return
    output.flush()
    departure.endIfIdle()
  }

  const turns = createTurns(flush, options.defer ?? queueMicrotask)
  const core = createCore(options, {
    touched: turns.touched,
    // Who writes is not prepared for the end of its stream.
    overflowed: () => queueMicrotask(() => fail(errorCodes.ENHANCE_YOUR_CALM, 'the peer does not read')),
  })
  const { limits, output, peer, streams } = core
  const departure = createDeparture(core, end)

  const open = (id: number, user: StreamUser | undefined): StreamState => {
    const stream = createStreamState(id, user, peer.streamWindow, limits.streamWindow)
    core.add(stream)
    return stream
  }

  const startStream: StartStream = (id, fields, ends) => {
    const stream = open(id, undefined)
    if (departure.refusing) return core.reset(stream, errorCodes.REFUSED_STREAM)
    stream.headed = true
    stream.receiveOpen = !ends
    stream.user = options.onStream?.(handleOf(stream, core), fields, ends)
  }

  const control = createControlFrames(core, { ponged: departure.ponged, leaving: departure.peerLeaves })
  const header = createHeaderFrames(core, startStream)
  const takeFrame = createFrameTable(core, { header, control, stream: createStreamFrames(core) })
  const takeUntilOver: TakeFrame = (type, flag, id, bytes, start, stop) => {
    if (!over) takeFrame(type, flag, id, bytes, start, stop)
  }
  const reader = createFrameReader(takeUntilOver)
  const greeting = createGreeting(options.role)

  const read = (bytes: Buffer): void => {
    try {
      reader.read(greeting(bytes))
    } catch (error) {
      if (!isConnectionError(error)) throw error
      fail(error.code, error.message)
    }
  }

  const canOpen = (): boolean =>
    options.role === 'client' &&
    !over &&
    !departure.leaving &&
    streams.open.size < Math.min(limits.maxConcurrentStreams, peer.maxConcurrentStreams)

  turns.run(() => greet(core))

  return {
    receive: (bytes) => {
      if (!over) turns.run(() => read(bytes))
    },
    transportDrained: () => {
      if (over) return
      turns.run(() => {
        output.resume()
        core.sender.resumeAll()
      })
    },
    transportClosed: () => {
      over = true
      abortAll('the connection is gone')
    },
    request: (fields, ends, user) => {
      const id = canOpen() ? streams.nextOfOurs() : undefined
      if (id === undefined) return undefined
      const stream = open(id, user)
      core.sender.fields(stream, fields, ends)
      return handleOf(stream, core)
    },
    goAway: () => {
      if (!over) departure.goAway()
    },
    get openStreams() {
      return streams.open.size
    },
    get canOpen() {
      return canOpen()
    },
  }
}
