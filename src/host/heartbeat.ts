/**
 * How a thread shows that it lives, and what it is about: a few bytes that it shares with who watches over it. They can be
 * read when the thread answers nothing any more.
 */

const headBytes = 8
const noteBytes = 512

/** To be made by who watches, and handed over with the thread's data. */
export const createHeart = (): SharedArrayBuffer => new SharedArrayBuffer(headBytes + noteBytes)

/** The thread's side. */
export interface Heartbeat {
  /** From now on the thread is about this. Two parts, so that nobody has to join them. */
  begins(what: string, where: string): void
  /** It is about nothing that could be named. */
  ends(): void
}

const beatMs = 200

/** Beats for as long as the thread's loop turns; it does not hold the thread. */
export const startHeartbeat = (heart: SharedArrayBuffer): Heartbeat => {
  const head = new Int32Array(heart, 0, 2)
  const note = Buffer.from(heart, headBytes)
  const beat = (): void => void Atomics.add(head, 0, 1)
  beat()
  setInterval(beat, beatMs).unref()
  return {
    begins: (what, where) => {
      const length = note.write(what, 0, 'latin1')
      head[1] = length + note.write(where, length, 'latin1')
    },
    ends: () => {
      head[1] = 0
    },
  }
}

/** How often the thread has shown that it lives. */
export const beatsOf = (heart: SharedArrayBuffer): number => Atomics.load(new Int32Array(heart, 0, 2), 0)

/** What the thread is about; empty when nobody knows. */
export const noteOf = (heart: SharedArrayBuffer): string =>
  Buffer.from(heart, headBytes).toString('latin1', 0, Atomics.load(new Int32Array(heart, 0, 2), 1))
