/** TCP peers that say exactly what a test wants, and remember what they heard. */
import { connect, createServer, type Socket } from 'node:net'
import { until } from './until.ts'

export interface Peer {
  readonly socket: Socket
  /** All that was heard so far, as latin1. */
  heard(): string
  say(text: string): void
  /** Waits until what was heard holds `text`; returns all of it. */
  hears(text: string): Promise<string>
  /** Waits for the other side's end or reset; returns all that was heard. */
  ends(): Promise<string>
  /** How it ended; undefined while it has not. */
  end(): 'end' | 'reset' | undefined
}

const peer = (socket: Socket): Peer => {
  let text = ''
  let end: 'end' | 'reset' | undefined
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
  })
  socket.on('end', () => {
    end ??= 'end'
  })
  socket.on('error', () => {
    end ??= 'reset'
  })
  const seen = () => JSON.stringify(text.slice(-500))
  return {
    socket,
    heard: () => text,
    say: (words) => void socket.write(words, 'latin1'),
    hears: async (words) => {
      await until(() => {
        if (end !== undefined && !text.includes(words)) throw new Error(`no "${words}" before the ${end}: ${seen()}`)
        return text.includes(words)
      }, `"${words}" in ${seen()}`)
      return text
    },
    ends: async () => {
      await until(() => end, `the end of a connection, after ${seen()}`)
      return text
    },
    end: () => end,
  }
}

/** A client. Its side stays open until it is ended or destroyed. */
export const dial = (port: number, host = '127.0.0.1'): Peer => peer(connect({ port, host, allowHalfOpen: true }))

export interface RawServer {
  readonly port: number
  /** Connections in the order they came. */
  readonly peers: readonly Peer[]
  /** Waits for the connection of this number, from 0. */
  accepts(nth: number): Promise<Peer>
  close(): void
}

/** A server on a free port that says nothing by itself. */
export const listenRaw = async (host = '127.0.0.1'): Promise<RawServer> => {
  const peers: Peer[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => peers.push(peer(socket)))
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    peers,
    accepts: (nth) => until(() => peers[nth], `connection ${nth} to a raw server`),
    close: () => {
      server.close()
      for (const { socket } of peers) socket.destroy()
    },
  }
}

/** The body of the last complete answer in `text`. */
export const bodyOf = (text: string): string => text.slice(text.lastIndexOf('\r\n\r\n') + 4)
