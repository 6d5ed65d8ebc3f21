/** Programs that a test starts: what they say, and their end with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'

export interface RunningProgram {
  readonly child: ChildProcess
  /** All that it has said until now, on both of its outputs. */
  readonly said: () => string
}

export const startProgram = (
  t: Test,
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): RunningProgram => {
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill()
    await once(child, 'close')
  })
  return { child, said: () => text }
}
