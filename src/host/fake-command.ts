/** A runner for tests that knows a script of commands and fails on any other. */
import { CommandError, type CommandRunner } from './command.ts'

/** What a scripted command does: prints, or fails. A function sees stdin. */
export type Script = string | CommandError | ((stdin: string | undefined) => string)

export interface FakeCommandRunner extends CommandRunner {
  /** Every command that ran, `file arg arg`, in order. */
  readonly calls: readonly string[]
}

/** For runners that only run programs to their end. */
export const opensNothing = (file: string, args: readonly string[]): never => {
  throw new Error(`fake command runner: cannot open: ${[file, ...args].join(' ')}`)
}

/** `script` maps `file arg arg` to its behaviour. */
export const createFakeCommandRunner = (script: Readonly<Record<string, Script>>): FakeCommandRunner => {
  const calls: string[] = []
  return {
    calls,
    open: opensNothing,
    run: async (file, args, stdin) => {
      const command = [file, ...args].join(' ')
      calls.push(command)
      const behaviour = script[command]
      if (behaviour === undefined) throw new Error(`fake command runner: not scripted: ${command}`)
      if (behaviour instanceof CommandError) throw behaviour
      return typeof behaviour === 'string' ? behaviour : behaviour(stdin)
    },
  }
}
