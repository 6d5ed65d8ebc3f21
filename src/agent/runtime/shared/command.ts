/** A command beside a container that somebody talks with. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { Readable, Writable } from 'node:stream'
import { closeTargets, openOutputPipes } from '../../../host/fifos.ts'
import { killFamily } from '../../../host/process.ts'
import type { CommandOptions, RunningCommand } from '../streams.ts'
import { toolEnv } from './begin.ts'
import { createResizer, type SizeWords } from './resize.ts'

const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal])

const nothing = (): Readable => Readable.from([])

/** `words` run it, at a terminal of its own if there is to be one. */
export const openCommand = async (
  [file, ...words]: readonly [string, ...string[]],
  { stdin, tty }: CommandOptions,
  sizeWords: SizeWords,
): Promise<RunningCommand> => {
  const outputs = await openOutputPipes(2)
  const targets = outputs.map(({ target }) => target)
  const sources = outputs.map(({ source }) => source)
  // A terminal without a keyboard is no terminal whose user has gone.
  const input = stdin || tty ? 'pipe' : 'ignore'
  const child = spawn(file, words, { detached: true, cwd: '/', env: toolEnv(), stdio: [input, ...targets] })
  const ended = new Promise<number>((resolve) =>
    child.once('exit', (code, signal) => {
      resolve(codeOf(code, signal))
    }),
  )
  try {
    await once(child, 'spawn')
  } catch (error) {
    for (const source of sources) source.destroy()
    throw error
  } finally {
    closeTargets(outputs)
  }
  const pid = child.pid
  if (pid === undefined) throw new Error(`${file} was started but has no pid`)
  let isOver = false
  const keyboard = child.stdin ?? new Writable({ write: (_chunk, _encoding, done) => done() })
  void ended.then(() => {
    isOver = true
    keyboard.destroy()
  })
  const [stdout = nothing(), stderr = nothing()] = sources
  for (const stream of [keyboard, stdout, stderr]) stream.on('error', () => undefined)
  if (tty) stderr.resume()
  return {
    stdin: keyboard,
    stdout,
    stderr: tty ? undefined : stderr,
    ended,
    resize: tty ? createResizer(sizeWords, () => (isOver ? undefined : pid)) : () => undefined,
    kill: async () => {
      if (!isOver) await killFamily(pid)
    },
  }
}
