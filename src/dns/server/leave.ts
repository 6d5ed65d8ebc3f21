/**
 * Ends a UDP socket whose port a successor listens on, and loses no query. The kernel shares queries out among the sockets of
 * a port (SO_REUSEPORT); one that is connected gets its peer's alone. So it is connected to itself, and what waits in it is
 * read and answered before it is closed: a socket that is closed takes along what nobody has read.
 */
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as pause, setImmediate as turnOfLoop } from 'node:timers/promises'

export interface LateAnswer {
  readonly answer: Buffer
  readonly client: string
  readonly clientPort: number
}

/** What its owner knows: queries are still read and answered there, and answers are kept. */
export interface Leaving {
  /** How many queries were read so far. */
  heard(): number
  /** A query is being answered. */
  isBusy(): boolean
  /** The answers since the last time. */
  take(): readonly LateAnswer[]
}

/** Who waits for a server outside is not waited for any longer. */
const leaveMs = 500
/** A packet that the kernel was about to deliver when it was told is there by then. */
const quietMs = 3

/** Connects to one peer after the other; an address that cannot be reached is no matter. */
const createConnector = (socket: Socket) => {
  let isConnected = false
  return (port: number, address: string): Promise<void> =>
    new Promise((resolve) => {
      if (isConnected) socket.disconnect()
      socket.connect(port, address, (error?: Error | null) => {
        isConnected = !error
        resolve()
      })
    })
}

/** The error, if there is one. */
const send = (socket: Socket, message: Buffer): Promise<Error | null> =>
  new Promise((resolve) => socket.send(message, resolve))

export const takeLeave = async (socket: Socket, leaving: Leaving): Promise<void> => {
  const own = socket.address()
  const connectTo = createConnector(socket)
  await connectTo(own.port, own.address)
  for (const deadline = performance.now() + leaveMs; performance.now() < deadline; ) {
    const before = leaving.heard()
    await pause(quietMs)
    // One more turn of the loop, which reads what is there.
    await turnOfLoop()
    const late = leaving.take()
    for (const { answer, client, clientPort } of late) {
      await connectTo(clientPort, client)
      // What fails first may be the packet before: that its client has gone is told once, and then forgotten.
      if (await send(socket, answer)) await send(socket, answer)
    }
    if (late.length > 0) await connectTo(own.port, own.address)
    else if (leaving.heard() === before && !leaving.isBusy()) break
  }
  const closed = once(socket, 'close')
  socket.close()
  await closed
}
