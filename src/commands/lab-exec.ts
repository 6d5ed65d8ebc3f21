import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { enterHost } from '../lab/enter.ts'
import { runningLab } from './lab-common.ts'
import { pathWithPodway, podwayWords } from './self.ts'

interface ExecOptions {
  readonly name: string
  readonly pod?: string
}

/** The words that lead into a pod, on the node it runs on. */
const podWords = (pod: string | undefined): readonly string[] =>
  pod === undefined ? [] : [...podwayWords(), 'enter-pod', pod, '--']

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

/** Runs the command with our own input, output and exit code. */
export const labExec = async (host: string, command: readonly string[], { name, pod }: ExecOptions): Promise<void> => {
  const { paths, record } = await runningLab(name)
  const [file, ...args] = await enterHost(record, paths, host)
  const child = spawn(file, [...args, ...podWords(pod), ...command], {
    stdio: 'inherit',
    env: { ...process.env, PATH: pathWithPodway() },
  })
  passSignalsTo(child)
  const [code, signal] = await once(child, 'exit')
  process.exitCode = signal === null ? code : 128 + constants.signals[signal as NodeJS.Signals]
}
