/**
 * One `ip` that stays: lines run without starting a program each time. It tells of failures alone, so each line is followed
 * by a question whose answer is known to fail: what was said before that answer is about the line.
 */
import { CommandError, type CommandRunner, type OpenCommand } from './command.ts'
import type { Line } from './iproute.ts'

export interface IprouteSession {
  /** Runs line by line and stops at the first that fails (CommandError). One caller at a time; others wait. */
  ip(lines: readonly Line[]): Promise<void>
  close(): void
}

/** A name that no device has: it is too long for one. */
const nobody = (turn: number): string => `podway-asks-whether-all-is-done-${turn}`

const patienceMs = 10_000

export const createIprouteSession = (runner: CommandRunner): IprouteSession => {
  let open: OpenCommand | undefined
  let turn = 0
  let said: string[] = []
  let answered: (() => void) | undefined
  let queue: Promise<unknown> = Promise.resolve()

  const close = (): void => {
    open?.kill()
    open = undefined
  }

  const start = (): OpenCommand => {
    const started = runner.open('ip', ['-force', '-batch', '-'])
    started.onError((line) => {
      if (line.includes(nobody(turn))) answered?.()
      else if (!line.startsWith('Command failed')) said.push(line)
    })
    open = started
    return started
  }

  const runLine = async (line: Line): Promise<void> => {
    const command = open ?? start()
    turn++
    said = []
    const done = new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, patienceMs, false)
      answered = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
    command.write(`${line}\nlink show dev ${nobody(turn)}\n`)
    if (!(await done)) {
      close()
      throw new CommandError(`ip ${line}`, undefined, 'no answer')
    }
    if (said.length === 0) return
    // It remembers devices by name; one that was made anew is another one. The next line starts afresh.
    close()
    throw new CommandError(`ip ${line}`, 1, said.join('\n'))
  }

  return {
    ip: async (lines) => {
      const mine = queue.then(async () => {
        for (const line of lines) await runLine(line)
      })
      queue = mine.catch(() => undefined)
      await mine
    },
    close,
  }
}
