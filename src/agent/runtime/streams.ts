/** Talking with what runs in a sandbox. */
import type { Readable, Writable } from 'node:stream'

export interface ExecResult {
  readonly exitCode: number
  /** The beginning of both streams together. */
  readonly output: string
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** A command that runs beside a container, and whoever talks with it. */
export interface RunningCommand {
  /** With a terminal it is the keyboard. */
  readonly stdin: Writable
  readonly stdout: Readable
  /** Missing with a terminal, which has one output. */
  readonly stderr: Readable | undefined
  /** The exit code, 128 + n for an end by signal n; what was said may still be read. */
  readonly ended: Promise<number>
  /** Nothing happens without a terminal. */
  resize(size: TerminalSize): void
  /** Ends the command and all that it has started. */
  kill(): Promise<void>
}

/** What a container that runs already is told by its user. */
export interface ContainerInput {
  /** Goes nowhere when the container has no stdin. Its end is the end of stdin where that is for one user only. */
  readonly stdin: Writable
  /** What the container says until its user is gone; its log tells where this is missing. */
  output?(gone: AbortSignal): AsyncIterable<Uint8Array>
  /** Nothing happens without a terminal. */
  resize(size: TerminalSize): void
}

export interface CommandOptions {
  /** Without it stdin is empty. */
  readonly stdin: boolean
  readonly tty: boolean
}

/** A command in a container took too long and was killed. */
export class ExecTimeout extends Error {
  override readonly name = 'ExecTimeout'

  constructor(command: readonly string[], timeoutMs: number) {
    super(`command ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s`)
  }
}

/** All throw when the container does not run. */
export interface Streams {
  /** Runs a command beside the container. Throws `ExecTimeout`. */
  exec(container: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>
  /** Runs a command beside the container for somebody who talks with it. */
  open(container: string, command: readonly string[], options: CommandOptions): Promise<RunningCommand>
  attach(container: string): Promise<ContainerInput>
}
