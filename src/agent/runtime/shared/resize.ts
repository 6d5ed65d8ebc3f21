/** The size of a terminal that a command of a pod runs at, set by stty(1). */
import { readlink } from 'node:fs/promises'
import { runBounded } from '../../../host/bounded.ts'
import { familyOf } from '../../../host/process.ts'
import type { TerminalSize } from '../streams.ts'
import { toolEnv } from './begin.ts'

/** The words that run stty(1) where a terminal has this name. */
export type SizeWords = (stty: readonly string[]) => readonly [string, ...string[]]

const sttyTimeoutMs = 5_000
const maxOutputBytes = 1024
/** A command that has just begun may have no terminal yet. */
const maxTries = 20
const retryMs = 50

/** The terminal that the first of these processes reads from which has one, by its name there. */
const terminalOf = async (family: readonly number[]): Promise<string | undefined> => {
  for (const pid of family) {
    const name = await readlink(`/proc/${pid}/fd/0`).catch(() => '')
    if (/^\/dev\/pts\/\d+$/.test(name)) return name
  }
  return undefined
}

/**
 * Sets one size after the other; of those that come meanwhile, the last. `pidOf` tells what has started the command, as long
 * as it runs. A size that cannot be set is left.
 */
export const createResizer = (
  sizeWords: SizeWords,
  pidOf: () => number | undefined,
): ((size: TerminalSize) => void) => {
  let next: TerminalSize | undefined
  let isBusy = false

  const set = async ({ columns, rows }: TerminalSize): Promise<void> => {
    for (let tries = 0; tries < maxTries; tries++) {
      const pid = pidOf()
      if (pid === undefined) return
      const terminal = await terminalOf(await familyOf(pid))
      if (terminal !== undefined) {
        const size = ['stty', '-F', terminal, 'rows', String(rows), 'columns', String(columns)]
        const [file, ...words] = sizeWords(size)
        await runBounded(file, words, { timeoutMs: sttyTimeoutMs, maxOutputBytes, env: toolEnv() })
        return
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }
  const work = async (): Promise<void> => {
    isBusy = true
    for (let size = next; size; size = next) {
      next = undefined
      await set(size).catch(() => undefined)
    }
    isBusy = false
  }

  return (size) => {
    next = size
    if (!isBusy) void work()
  }
}
