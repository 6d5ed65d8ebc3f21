/** What a connection allows its peer, and what the peer allows it. */
import { initialWindow, max31Bits } from './frames.ts'
import type { H2Limits, H2Options } from './seam.ts'

const server: H2Limits = {
  maxConcurrentStreams: 128,
  headerListBytes: 32 * 1024,
  streamWindow: 256 * 1024,
  connectionWindow: 1024 * 1024,
  resetsPerSecond: 200,
  controlFramesPerSecond: 1000,
}

/**
 * Different clients share a connection to a backend: four that read slowly must not stop the others, so the window of
 * the connection never binds.
 */
const client: H2Limits = { ...server, connectionWindow: server.maxConcurrentStreams * server.streamWindow }

export const limitsOf = ({ role, limits }: H2Options): H2Limits => {
  const wanted = { ...(role === 'server' ? server : client), ...limits }
  return {
    ...wanted,
    streamWindow: Math.min(max31Bits, Math.max(initialWindow, wanted.streamWindow)),
    connectionWindow: Math.min(max31Bits, Math.max(initialWindow, wanted.connectionWindow)),
  }
}

/** What SETTINGS of the peer change. */
export interface PeerLimits {
  streamWindow: number
  maxConcurrentStreams: number
}

/** Until its SETTINGS come: what a careful peer may be expected to take. */
export const initialPeerLimits = (): PeerLimits => ({
  streamWindow: initialWindow,
  maxConcurrentStreams: 100,
})
