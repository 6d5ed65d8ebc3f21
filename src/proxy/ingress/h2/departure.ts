/** The graceful end of a connection, whoever wants it (RFC 9113 section 6.8). */
import type { Core } from './core.ts'
import { errorCodes, errorName } from './errors.ts'
import { frameTypes, max31Bits } from './frames.ts'

export interface Departure {
  /** Whether one of the two takes no new streams. */
  readonly leaving: boolean
  /** Whether new requests of the peer come too late. */
  readonly refusing: boolean
  /** We want to leave. */
  goAway(): void
  /** The peer has answered our PING. */
  ponged(): void
  /** The peer wants to leave, and has not looked at our streams beyond `last`. */
  peerLeaves(last: number, error: string): void
  /** Ends the connection when nothing is left to do. */
  endIfIdle(): void
}

const farewell = Buffer.from('farewell', 'latin1')
const noError = errorName(errorCodes.NO_ERROR)

export const goAwayPayload = (last: number, code: number): Buffer => {
  const payload = Buffer.alloc(8)
  payload.writeUInt32BE(last, 0)
  payload.writeUInt32BE(code, 4)
  return payload
}

/** `end` is called once all streams have ended after a GOAWAY. */
export const createDeparture = (core: Core, end: (error: string | undefined) => void): Departure => {
  const { options, output, streams } = core
  /** A server warns first: requests that are on their way are still served, until its PING is answered. */
  let stage: 'staying' | 'warned' | 'refusing' = 'staying'
  let peerLeft = false
  let peerError: string | undefined

  const endIfIdle = (): void => {
    if ((stage === 'refusing' || peerLeft) && streams.open.size === 0) end(peerError)
  }

  const sendGoAway = (last: number): void =>
    output.frame(frameTypes.GOAWAY, 0, 0, goAwayPayload(last, errorCodes.NO_ERROR))

  const refuse = (): void => {
    stage = 'refusing'
    sendGoAway(streams.lastOfPeer)
  }

  return {
    get leaving() {
      return stage !== 'staying' || peerLeft
    },
    get refusing() {
      return stage === 'refusing'
    },
    goAway: () => {
      if (stage !== 'staying') return
      if (options.role === 'client') return refuse()
      stage = 'warned'
      sendGoAway(max31Bits)
      output.frame(frameTypes.PING, 0, 0, farewell)
    },
    ponged: () => {
      if (stage === 'warned') refuse()
    },
    peerLeaves: (last, error) => {
      peerLeft = true
      if (error !== noError) peerError = `the peer has left: ${error}`
      for (const stream of [...streams.open.values()]) {
        if (options.role === 'server' || stream.id <= last) continue
        core.remove(stream)
        stream.user?.aborted('the peer has left', true)
      }
    },
    endIfIdle,
  }
}
