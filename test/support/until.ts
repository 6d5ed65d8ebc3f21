/** Waiting in tests: for a condition, with a deadline, never for a time. */
import { setTimeout as pause } from 'node:timers/promises'

/** Enough on a machine that others use, too. Shorter in `npm run mutants`, where much is waited for in vain. */
const patienceMs = Number(process.env['PODWAY_TEST_PATIENCE_MS'] ?? 30_000)

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

/** Lets all go on that waits for nothing: what has not happened then, nothing has brought about. */
export const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

/** What the promise comes to. Throws, naming `what`, when that takes longer than `timeoutMs`. */
export const soon = async <T>(promise: Promise<T>, what: string, timeoutMs = patienceMs): Promise<T> => {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`waited ${timeoutMs} ms in vain for ${what}`)), timeoutMs)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
