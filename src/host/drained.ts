import type { Writable } from 'node:stream'

/** Resolves when a stream that is full has room again, or is gone. To be asked for when `write` has said no. */
export const drained = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      // A long answer is full many times: nothing of one wait may be left for the next.
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('close', done)
  })
