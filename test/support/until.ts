/** Waiting in tests: for a condition, with a deadline, never for a time. */
import { setTimeout as pause } from 'node:timers/promises'

/** Polls until `condition` is truthy and returns its value. Throws, naming `what`, after `timeoutMs`. */
export const until = async <T>(
  condition: () => T | Promise<T>,
  what: string,
  timeoutMs = 10_000,
): Promise<Exclude<Awaited<T>, undefined | null | false>> => {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value as Exclude<Awaited<T>, undefined | null | false>
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
    await pause(10)
  }
}
