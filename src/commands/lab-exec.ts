import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { toldWords } from '../host/told-words.ts'
import { enterHost } from '../lab/enter.ts'
import { runningLab } from './lab-common.ts'
import { pathWithPodway, podwayWords } from './self.ts'

interface ExecOptions {
  /** The lab's. */
  readonly name: string
  readonly pod?: string
  /** What the command reads, in place of our own input. */
  readonly input?: string
}

/** The words that lead to the command: into a pod, on the node it runs on. */
const wordsFor = (pod: string | undefined, command: readonly string[]): readonly string[] =>
  pod === undefined ? toldWords(command) : [...podwayWords(), 'enter-pod', pod, '--', ...command]

/**
 * Whoever asks us to end asks the command, and we end when it has: nothing is left running on the host. A terminal asks both, so
 * its Ctrl-C is not passed on.
 */
const passSignalsTo = (child: ChildProcess): void => {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
}

/** Runs the command with our own output and exit code. */
export const labExec = async (host: string, command: readonly string[], options: ExecOptions): Promise<void> => {
  const { name, pod, input } = options
  const { paths, record } = await runningLab(name)
  const [file, ...args] = await enterHost(record, paths, host)
  const child = spawn(file, [...args, ...wordsFor(pod, command)], {
    stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
    env: { ...process.env, PATH: pathWithPodway() },
  })
  passSignalsTo(child)
  // A command that ends without having read it says so itself.
  child.stdin?.on('error', () => undefined).end(input)
  const [code, signal] = await once(child, 'exit')
  process.exitCode = signal === null ? code : 128 + constants.signals[signal as NodeJS.Signals]
}
