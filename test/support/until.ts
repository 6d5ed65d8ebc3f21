/** Waiting in tests: for a condition, with a deadline, never for a time. */
import { setTimeout as pause } from 'node:timers/promises'

/** Shorter in `npm run mutants`, where much is waited for in vain. */
const patienceMs = Number(process.env['PODWAY_TEST_PATIENCE_MS'] ?? 10_000)

/** Polls until `condition` is truthy and returns its value. Throws, naming `what`, after `timeoutMs`. */
export const until = async <T>(
  condition: () => T | Promise<T>,
  what: string,
  timeoutMs = patienceMs,
): Promise<Exclude<Awaited<T>, undefined | null | false>> => {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value as Exclude<Awaited<T>, undefined | null | false>
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
    await pause(10)
  }
}
