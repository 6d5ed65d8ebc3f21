/** A command beside a container that somebody talks with. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readlink } from 'node:fs/promises'
import { constants } from 'node:os'
import { Readable, Writable } from 'node:stream'
import { runBounded } from '../../../host/bounded.ts'
import { familyOf, killFamily } from '../../../host/process.ts'
import type { CommandOptions, RunningCommand, TerminalSize } from '../runtime.ts'
import { type ContainerLaunch, execWords, terminalWords, toolEnv } from './launch.ts'
import type { StoredContainer } from './state.ts'

const sttyTimeoutMs = 5_000
const maxOutputBytes = 1024

const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal])

/** The terminal that one of these processes reads from, by its name in the pod. */
const terminalOf = async (family: readonly number[]): Promise<string | undefined> => {
  for (const pid of family) {
    const name = await readlink(`/proc/${pid}/fd/0`).catch(() => '')
    if (/^\/dev\/pts\/\d+$/.test(name)) return name
  }
  return undefined
}

/** Sets one size after the other; of those that come meanwhile, the last. */
const createResizer = (set: (size: TerminalSize) => Promise<void>) => {
  let next: TerminalSize | undefined
  let isBusy = false
  const work = async (): Promise<void> => {
    isBusy = true
    for (let size = next; size; size = next) {
      next = undefined
      await set(size)
    }
    isBusy = false
  }
  return (size: TerminalSize): void => {
    next = size
    if (!isBusy) void work()
  }
}

export const openCommand = async (
  container: StoredContainer,
  place: Omit<ContainerLaunch, 'exitFile'>,
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

  const setSize = async ({ columns, rows }: TerminalSize): Promise<void> => {
    for (let tries = 0; tries < 20 && !isOver; tries++) {
      const terminal = await terminalOf(await familyOf(pid))
      if (terminal !== undefined) {
        const size = ['stty', '-F', terminal, 'rows', String(rows), 'columns', String(columns)]
        const [stty, ...args] = execWords(container, place, size)
        await runBounded(stty, args, { timeoutMs: sttyTimeoutMs, maxOutputBytes, env: toolEnv() })
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const resize = createResizer((size) => setSize(size).catch(() => undefined))

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
