/** Looks at the first bytes of a connection before it is known who serves it. */
import type { Socket } from 'node:net'
import type { Deadlines } from './deadlines.ts'
import { createGuard, type OnFault } from './guard.ts'

export interface Patience {
  readonly deadlines: Deadlines
  readonly timeoutMs: number
  readonly fault: OnFault
}

/**
 * Calls `look` with all that has come until it returns other than `more`. `wrong` ends the connection; a number is
 * how many bytes are taken out, and `then` may listen to the rest, which is still to be read.
 */
export const readStart = (
  socket: Socket,
  { deadlines, timeoutMs, fault }: Patience,
  look: (bytes: Buffer) => number | 'more' | 'wrong',
  then: () => void,
): void => {
  let received = Buffer.alloc(0)
  const deadline = deadlines.add(() => socket.destroy())
  deadline.set(timeoutMs)

  const stop = (): void => {
    deadline.remove()
    socket.off('data', read)
    socket.off('close', stop)
    socket.off('end', end)
    socket.off('error', ignore)
  }
  const end = (): void => {
    socket.destroy()
  }
  // Followed by 'close'.
  const ignore = (): void => {}
  const guard = createGuard('the start of a connection', fault, () => socket.destroy())
  const read = guard((bytes: Buffer): void => {
    received = received.length === 0 ? Buffer.from(bytes) : Buffer.concat([received, bytes])
    const found = look(received)
    if (found === 'more') return
    stop()
    if (found === 'wrong') return void socket.on('error', ignore).destroy()
    socket.pause()
    if (found < received.length) socket.unshift(received.subarray(found))
    then()
  })
  socket.on('data', read).on('close', stop).on('end', end).on('error', ignore)
  // Whoever looked before has paused it.
  socket.resume()
}
