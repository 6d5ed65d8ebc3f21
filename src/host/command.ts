/** Programs of the host, run with argument vectors: the only place that knows execa. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ExecaError, execa } from 'execa'

/** Runs a program to its end. */
export interface CommandRunner {
  /**
   * Resolves to stdout when the program exits with 0. Rejects with `CommandError` otherwise, also when it cannot be
   * started or runs for longer than a minute.
   */
  run(file: string, args: readonly string[], stdin?: string): Promise<string>
  /** Starts a program that is told what to do while it runs. */
  open(file: string, args: readonly string[]): OpenCommand
}

/** A program that is running. */
export interface OpenCommand {
  write(text: string): void
  /** Called with each line of its standard error. */
  onError(listener: (line: string) => void): void
  /** Called when the program has ended, however that came. */
  onEnd(listener: () => void): void
  /** Ends its standard input; resolves to its standard output, or rejects, as `run` does. */
  end(): Promise<string>
  /** Ends the program. */
  kill(): void
}

/** A program that failed: which one, how, and the first line of what it said. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly command: string
  /** Undefined when the program was not started or died of a signal. */
  readonly exitCode: number | undefined
  readonly stderr: string
  /** What it had told by then. */
  readonly stdout: string

  constructor(command: string, exitCode: number | undefined, stderr: string, stdout = '') {
    const firstLine = stderr.trim().split('\n')[0] ?? ''
    super(`${command} failed${exitCode === undefined ? '' : ` with exit code ${exitCode}`}: ${firstLine}`)
    this.command = command
    this.exitCode = exitCode
    this.stderr = stderr
    this.stdout = stdout
  }
}

/** True when the program is not installed. */
export const isCommandMissing = (error: unknown): boolean =>
  error instanceof CommandError && error.exitCode === undefined && error.stderr.includes('ENOENT')

const timeoutMs = 60_000
const maxOutputBytes = 256 * 1024 * 1024

/** Without execa, which takes as long to start a program as the program to run: for those that a pod waits for. */
const open = (file: string, args: readonly string[]): OpenCommand => {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
  const command = [file, ...args].join(' ')
  const said: string[] = []
  const heard: Buffer[] = []
  const listeners: ((line: string) => void)[] = []
  child.stdout.on('data', (chunk: Buffer) => heard.push(chunk))
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (listeners.length === 0) said.push(line)
    for (const listener of listeners) listener(line)
  })
  // Who writes to a program that has ended learns of it from the program's end.
  child.stdin.on('error', () => undefined)
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', (error) => reject(new CommandError(command, undefined, error.message)))
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(heard).toString('utf8'))
      else reject(new CommandError(command, code ?? undefined, said.join('\n')))
    })
  })
  ended.catch(() => undefined)
  return {
    onEnd: (listener) => void ended.then(listener, listener),
    write: (text) => void child.stdin.write(text),
    onError: (listener) => void listeners.push(listener),
    end: () => {
      child.stdin.end()
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      return ended.finally(() => clearTimeout(timer))
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

export const createCommandRunner = (): CommandRunner => ({
  open,
  run: async (file, args, stdin) => {
    try {
      const { stdout } = await execa(file, args, {
        stdin: stdin === undefined ? 'ignore' : 'pipe',
        ...(stdin === undefined ? {} : { input: stdin }),
        stripFinalNewline: false,
        timeout: timeoutMs,
        maxBuffer: maxOutputBytes,
        env: { LC_ALL: 'C' },
      })
      return stdout
    } catch (error) {
      if (!(error instanceof ExecaError)) throw error
      const stderr = typeof error.stderr === 'string' && error.stderr !== '' ? error.stderr : error.originalMessage
      const stdout = typeof error.stdout === 'string' ? error.stdout : ''
      throw new CommandError([file, ...args].join(' '), error.exitCode, stderr ?? error.shortMessage, stdout)
    }
  },
})

/** Puts `prefix` in front of every command: how a runner reaches into another namespace. */
export const prefixed = (runner: CommandRunner, prefix: readonly [string, ...string[]]): CommandRunner => ({
  run: (file, args, stdin) => runner.run(prefix[0], [...prefix.slice(1), file, ...args], stdin),
  open: (file, args) => runner.open(prefix[0], [...prefix.slice(1), file, ...args]),
})
