/** What is half-made when a command is asked to end is taken back before it ends. */

import { sleep } from '../api/clock.ts'

/** The command was asked to end: exit code 128 + the signal's number, as shells tell it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly exitCode: number

  constructor(signal: NodeJS.Signals, number: number) {
    super(`ended by ${signal}`)
    this.exitCode = 128 + number
  }
}

const momentMs = 2_000

const signals = [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const

/**
 * Runs `work`; when a signal asks this process to end, `undo` runs in its place, and the result is rejected as `Interrupted`.
 * `work` is told by its AbortSignal, makes nothing new from then on, and has a moment to end. A second signal ends the process
 * at once.
 */
export const interruptible = async <T>(
  work: (signal: AbortSignal) => Promise<T>,
  undo: () => Promise<unknown>,
): Promise<T> => {
  const stop = new AbortController()
  const asked = Promise.withResolvers<never>()
  const handlers = signals.map(([signal, number]) => {
    const interrupted = new Interrupted(signal, number)
    const handler = (): void => {
      if (stop.signal.aborted) process.exit(interrupted.exitCode)
      stop.abort(interrupted)
      asked.reject(interrupted)
    }
    process.on(signal, handler)
    return [signal, handler] as const
  })
  const working = work(stop.signal)
  // What it says after an interruption is about what is being taken back.
  working.catch(() => undefined)
  try {
    return await Promise.race([working, asked.promise])
  } catch (error) {
    if (stop.signal.aborted) {
      await Promise.race([working, sleep(momentMs)]).catch(() => undefined)
      await undo()
      throw stop.signal.reason
    }
    throw error
  } finally {
    for (const [signal, handler] of handlers) process.off(signal, handler)
  }
}
