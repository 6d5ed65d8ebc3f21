/**
 * Starts programs through a small shell that stays: the kernel copies a process to start another one, and to copy a shell
 * takes a tenth of what it takes to copy the agent.
 */
import { CommandError, type CommandRunner, type OpenCommand } from './command.ts'
import { shellWord } from './shell-word.ts'

export interface Forker {
  /** Runs a program to its end, one at a time; what it prints is lost. Rejects with `CommandError` as a runner does. */
  run(file: string, args: readonly string[], stdin?: string): Promise<void>
  close(): void
}

const patienceMs = 60_000

export const createForker = (runner: CommandRunner): Forker => {
  let shell: OpenCommand | undefined
  let turn = 0
  let said: string[] = []
  let ended: ((exitCode: number) => void) | undefined
  let queue: Promise<unknown> = Promise.resolve()

  const close = (): void => {
    shell?.kill()
    shell = undefined
  }

  const endMark = (): string => `podway-ended-${turn}`

  const start = (): OpenCommand => {
    const started = runner.open('sh', ['-s'])
    started.onError((line) => {
      if (line.startsWith(`${endMark()} `)) ended?.(Number(line.slice(endMark().length + 1)))
      else said.push(line)
    })
    shell = started
    return started
  }

  const runOne = async (file: string, args: readonly string[], stdin: string): Promise<void> => {
    const running = shell ?? start()
    turn++
    said = []
    const command = [file, ...args]
    const code = await new Promise<number | undefined>((resolve) => {
      const timer = setTimeout(resolve, patienceMs, undefined)
      ended = (exitCode) => {
        clearTimeout(timer)
        resolve(exitCode)
      }
      const document = `podway-input-${turn}`
      running.write(
        `${command.map(shellWord).join(' ')} >/dev/null <<'${document}'\n${stdin}${document}\necho "${endMark()} $?" >&2\n`,
      )
    })
    if (code === 0) return
    if (code === undefined) close()
    throw new CommandError(command.join(' '), code, said.join('\n') || 'no answer')
  }

  return {
    run: (file, args, stdin = '') => {
      const mine = queue.then(() => runOne(file, args, stdin))
      queue = mine.catch(() => undefined)
      return mine
    },
    close,
  }
}
