/** HTTP requests that ask for another protocol: answering them as any other request, or handing their connection over. */
import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What node:http's `upgrade` event brings. */
export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What the client has sent already behind its request. */
  readonly head: Buffer
}

/** A response to use as any other; the connection ends behind it. `release` gives the connection back unused. */
export const responseTo = ({
  request,
  socket,
}: Upgrade): { readonly response: ServerResponse; readonly release: () => void } => {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  // What it does with a socket it can do with every Duplex: node:http itself takes any as a connection.
  const connection = socket as Socket
  response.assignSocket(connection)
  const finish = (): void => {
    response.detachSocket(connection)
    socket.end()
  }
  response.once('finish', finish)
  socket.on('error', () => undefined)
  return {
    response,
    release: () => {
      response.removeListener('finish', finish)
      response.detachSocket(connection)
    },
  }
}

/** The end of a head that holds what could end it early is nobody's to send. */
const headerLine = (name: string, value: string | number): string => {
  const line = `${name}: ${value}`
  if (/[\r\n\0]/.test(line)) throw new Error(`the header ${JSON.stringify(name)} holds a line end`)
  return line
}

/** `101 Switching Protocols`: the connection is the caller's from here on. */
export const switchProtocols = (socket: Duplex, headers: OutgoingHttpHeaders): void => {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => headerLine(name, each)),
  )
  socket.write([`HTTP/1.1 101 ${STATUS_CODES[101]}`, ...lines, '', ''].join('\r\n'), 'latin1')
}

/** A stream of somebody's own: it may be silent, is not buffered, and a peer that is gone is noticed. */
export const asStream = (socket: Duplex): void => {
  if (!(socket instanceof Socket)) return
  socket.setTimeout(0)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 15_000)
}

const lingerMs = 5_000

/**
 * Carries bytes both ways until both sides have ended; the end of one direction ends that direction alone. A side that breaks
 * off takes the other one with it.
 */
export const joinStreams = (a: Duplex, b: Duplex): void => {
  a.pipe(b)
  b.pipe(a)
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.on('error', () => other.destroy())
    one.once('close', () => {
      if (!one.readableEnded) return other.destroy()
      // What it said last is still on its way; what the other side says goes nowhere any more.
      const lingering = (): void => {
        other.resume()
        setTimeout(() => other.destroy(), lingerMs).unref()
      }
      if (other.writableFinished) lingering()
      else other.once('finish', lingering)
    })
  }
}
