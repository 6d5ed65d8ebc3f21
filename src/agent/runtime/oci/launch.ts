/** Starting a container under its shim, and getting commands into one that runs. */
import { closeSync, fstatSync, openSync, truncateSync, watch } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type DetachedProcess, startDetached } from '../../../host/detached.ts'
import type { ProcessId } from '../../../host/process.ts'
import { answerTimeoutMs, complaint, identified, orKill, toolEnv } from '../shared/begin.ts'
import type { Launched } from '../shared/shim-runtime.ts'
import type { SandboxProcess } from '../shared/state.ts'
import { atTerminal, type ContainerPlace, type Program, pidName, startErrorOf } from './program.ts'

const script = fileURLToPath(new URL('./shim.sh', import.meta.url))

export interface ShimLaunch {
  readonly name: string
  readonly process: SandboxProcess
  readonly hostPID: boolean
  readonly program: Program
  readonly place: ContainerPlace
  /** What the options of the overlay are relative to. */
  readonly layersFolder: string
  readonly overlayOptions: string
  readonly logFile: string
  readonly exitFile: string
  /** A FIFO; empty for none. */
  readonly stdinFile: string
  readonly tty: boolean
  /** Called once the container's root is mounted, as others see it by the shim: what is still to be done before it starts. */
  readonly prepare: (shim: ProcessId) => Promise<void>
}

/** The namespaces that a shim starts in: the mounts are a copy of the pod's, and only its children get pids of the pod. */
const enterWords = ({ pid, holder }: SandboxProcess): readonly [string, ...string[]] => [
  'nsenter',
  `--mount=/proc/${holder?.pid ?? pid}/ns/mnt`,
  ...[`--pid=/proc/${pid}/ns/pid`, '--no-fork', '--', 'unshare', '--mount', '--propagation', 'slave'],
]

/** Resolves to why the command was not started; undefined when it was. */
const startOf = (bundle: string, child: DetachedProcess, go: () => void): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    // Written by the program when the command runs.
    const watcher = watch(bundle, (_event, file) => {
      if (file === pidName) settle(() => resolve(undefined))
    })
    const settle = (tell: () => void): void => {
      watcher.close()
      tell()
    }
    watcher.on('error', (error) => settle(() => reject(error)))
    const listen = async (): Promise<void> => {
      const answer = await child.readLine(answerTimeoutMs)
      const why = /^failed (.*)$/.exec(answer ?? '')?.[1]
      if (why === undefined) throw new Error(await complaint(child, answer))
      settle(() => resolve(startErrorOf(why)))
    }
    listen().catch((error: unknown) => settle(() => reject(error)))
    go()
  })

const withLog = async <T>(logFile: string, use: (output: number, length: number) => Promise<T>): Promise<T> => {
  const output = openSync(logFile, 'a', 0o640)
  try {
    return await use(output, fstatSync(output).size)
  } finally {
    closeSync(output)
  }
}

export const launchShim = (launch: ShimLaunch): Promise<Launched> =>
  withLog(launch.logFile, async (output, length) => {
    const { process, hostPID, program, place, tty } = launch
    const run = tty ? atTerminal(program.run(place)) : program.run(place)
    const told = [launch.exitFile, launch.stdinFile, place.bundle, launch.layersFolder, launch.overlayOptions]
    const [file, ...words] = [...enterWords(process), 'sh', script, ...told, hostPID ? '' : 'own'] as const
    const shim = [...words, program.name, place.state, place.id, ...run]
    const child = await startDetached(file, shim, { output, env: toolEnv() })
    return orKill(child, async () => {
      const answer = await child.readLine(answerTimeoutMs)
      if (answer !== 'mounted')
        throw new Error(
          `cannot start container ${launch.name}: ${await complaint(child, answer?.replace(/^failed /, ''))}`,
        )
      await launch.prepare(await identified(child.pid, `container ${launch.name}`))
      const startError = await startOf(place.bundle, child, () => child.send('go')).catch((error: unknown) => {
        throw new Error(
          `cannot start container ${launch.name}: ${error instanceof Error ? error.message : String(error)}`,
        )
      })
      // What the program has said of it is no word of the container's.
      if (startError !== undefined) truncateSync(launch.logFile, length)
      return { startError, ended: child.ended }
    })
  })

/** The words that run a program's command where the container's shim is. */
export const besideShim = (shim: ProcessId, words: readonly [string, ...string[]]): readonly [string, ...string[]] => [
  'nsenter',
  ...[`--mount=/proc/${shim.pid}/ns/mnt`, `--pid=/proc/${shim.pid}/ns/pid_for_children`, '--', ...words],
]
