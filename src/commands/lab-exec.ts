import { spawn } from 'node:child_process'
import { once } from 'node:events'
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

/** Runs the command with our own input, output and exit code. */
export const labExec = async (host: string, command: readonly string[], { name, pod }: ExecOptions): Promise<void> => {
  const { paths, record } = await runningLab(name)
  const [file, ...args] = await enterHost(record, paths, host)
  const child = spawn(file, [...args, ...podWords(pod), ...command], {
    stdio: 'inherit',
    env: { ...process.env, PATH: pathWithPodway() },
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code, signal] = await once(child, 'exit')
  process.exitCode = signal ? 1 : code
}
