/** A command beside a container that somebody talks with. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { Readable, Writable } from 'node:stream'
import { killFamily } from '../../../host/process.ts'
import type { CommandOptions, RunningCommand } from '../runtime.ts'
import { type CommandPlace, execWords, terminalWords, toolEnv } from './launch.ts'
import { createResizer } from './resize.ts'
import type { StoredContainer } from './state.ts'

const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal])

export const openCommand = async (
  container: StoredContainer,
  place: CommandPlace,
  command: readonly string[],
  { stdin, tty }: CommandOptions,
): Promise<RunningCommand> => {
  const [file, ...words] = (tty ? terminalWords : execWords)(container, place, command)
  // A terminal without a keyboard is no terminal whose user has gone.
  const input = stdin || tty ? 'pipe' : 'ignore'
  const child = spawn(file, words, { detached: true, cwd: '/', env: toolEnv(), stdio: [input, 'pipe', 'pipe'] })
  const ended = new Promise<number>((resolve) =>
    child.once('exit', (code, signal) => {
      resolve(codeOf(code, signal))
    }),
  )
  await once(child, 'spawn')
  const pid = child.pid
  if (pid === undefined) throw new Error(`${file} was started but has no pid`)
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  const resize = createResizer(container, place, () => (isOver ? undefined : pid))

  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const { stdin: keyboard, stdout = Readable.from([]), stderr } = child
  keyboard?.on('error', () => undefined)
  if (tty) stderr?.resume()
  return {
    stdin: keyboard ?? silent,
    stdout: stdout ?? Readable.from([]),
    stderr: tty ? undefined : (stderr ?? undefined),
    ended,
    resize: tty ? resize : () => undefined,
    kill: async () => {
      if (!isOver) await killFamily(pid)
    },
  }
}
