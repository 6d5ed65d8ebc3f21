/** Programs of the host, run with argument vectors: the only place that knows execa. */
import { ExecaError, execa } from 'execa'

/** Runs a program to its end. */
export interface CommandRunner {
  /**
   * Resolves to stdout when the program exits with 0. Rejects with `CommandError` otherwise, also when it cannot be
   * started or runs for longer than a minute. Standard input may come later: the program is started at once all the same,
   * and ended when the promise rejects.
   */
  run(file: string, args: readonly string[], stdin?: string | Promise<string>): Promise<string>
}

/** A program that failed: which one, how, and the first line of what it said. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly command: string
  /** Undefined when the program was not started or died of a signal. */
  readonly exitCode: number | undefined
  readonly stderr: string

  constructor(command: string, exitCode: number | undefined, stderr: string) {
    const firstLine = stderr.trim().split('\n')[0] ?? ''
    super(`${command} failed${exitCode === undefined ? '' : ` with exit code ${exitCode}`}: ${firstLine}`)
    this.command = command
    this.exitCode = exitCode
    this.stderr = stderr
  }
}

/** True when the program is not installed. */
export const isCommandMissing = (error: unknown): boolean =>
  error instanceof CommandError && error.exitCode === undefined && error.stderr.includes('ENOENT')

const timeoutMs = 60_000
const maxOutputBytes = 256 * 1024 * 1024

/** What a program reads, when it is there. */
async function* later(text: Promise<string>): AsyncGenerator<string> {
  yield await text
}

const inputOf = (stdin: string | Promise<string> | undefined) => {
  if (stdin === undefined) return { stdin: 'ignore' } as const
  return typeof stdin === 'string' ? { input: stdin } : { stdin: later(stdin) }
}

export const createCommandRunner = (): CommandRunner => ({
  run: async (file, args, stdin) => {
    try {
      const { stdout } = await execa(file, args, {
        ...inputOf(stdin),
        stripFinalNewline: false,
        timeout: timeoutMs,
        maxBuffer: maxOutputBytes,
        env: { LC_ALL: 'C' },
      })
      return stdout
    } catch (error) {
      if (!(error instanceof ExecaError)) throw error
      const stderr = typeof error.stderr === 'string' && error.stderr !== '' ? error.stderr : error.originalMessage
      throw new CommandError([file, ...args].join(' '), error.exitCode, stderr ?? error.shortMessage)
    }
  },
})

/** Puts `prefix` in front of every command: how a runner reaches into another namespace. */
export const prefixed = (runner: CommandRunner, prefix: readonly [string, ...string[]]): CommandRunner => ({
  run: (file, args, stdin) => runner.run(prefix[0], [...prefix.slice(1), file, ...args], stdin),
})
