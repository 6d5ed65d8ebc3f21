/** Forwards the logs of all containers of a node to the targets that were named (`--log-forward`). */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, sleep } from '../../../api/clock.ts'
import type { StringMap } from '../../../api/types/index.ts'
import type { Logger } from '../../../host/log.ts'
import type { SandboxRecord } from '../../runtime/sandboxes.ts'
import type { ForwardCounters } from './counters.ts'
import { createForwarder } from './forwarder.ts'
import { createSetAsideLogs } from './set-aside-logs.ts'
import type { LogSink } from './sink.ts'
import { type ForwardedLog, logsOfSandboxes } from './sources.ts'

export interface LogForwardOptions {
  /** With different names. */
  readonly sinks: readonly LogSink[]
  readonly counters: ForwardCounters
  readonly nodeName: string
  readonly logDir: string
  /** For positions, and logs whose pods are gone; on the disk of `logDir`. */
  readonly folder: string
  readonly sandboxes: () => Promise<readonly SandboxRecord[]>
  /** Of a pod, by its uid; undefined when it is not known any more. */
  readonly labelsOf: (uid: string) => StringMap | undefined
  readonly log: Logger
  readonly clock: Clock
  readonly random?: () => number
  /** Logs of pods that are gone take no more of the disk. */
  readonly maxSetAsideBytes?: number
}

export interface LogForward {
  /** Takes a log, or a folder of logs, that would be removed otherwise. */
  discard(path: string): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

const sweepMs = 5_000
const defaultSetAsideBytes = 64 * 1024 * 1024

const positionsName = (target: string): string =>
  `${createHash('sha256').update(target).digest('hex').slice(0, 16)}.json`

/** Nobody waits for a log. */
export const noLogForward: LogForward = {
  discard: (path) => rm(path, { recursive: true, force: true }),
  run: async () => undefined,
}

export const createLogForward = (options: LogForwardOptions): LogForward => {
  const { sinks, logDir, folder, sandboxes, log, clock, random = Math.random } = options
  const aside = createSetAsideLogs(logDir, join(folder, 'logs'), options.maxSetAsideBytes ?? defaultSetAsideBytes)
  const positionsDir = join(folder, 'positions')

  const logs = async (): Promise<readonly ForwardedLog[]> => {
    const gone = await aside.list()
    const keys = new Set(gone.map(({ key }) => key))
    return [...gone, ...logsOfSandboxes(logDir, await sandboxes()).filter(({ key }) => !keys.has(key))]
  }
  const forwarders = sinks.map((sink) =>
    createForwarder({
      ...{ sink, logs, log, clock, random, nodeName: options.nodeName, labelsOf: options.labelsOf },
      ...{ positionsFile: join(positionsDir, positionsName(sink.name)), counters: options.counters },
    }),
  )

  const sweep = (): Promise<void> =>
    aside.sweep(
      async (each) => {
        for (const forwarder of forwarders) if (await forwarder.needs(each)) return true
        return false
      },
      async (each) => {
        for (const forwarder of forwarders) await forwarder.lose(each)
      },
    )

  const keepSwept = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await sweep().catch((error: unknown) => log.warn({ err: error }, 'cannot tidy logs of pods that are gone'))
      await sleep(sweepMs, signal, clock)
    }
  }

  /** A target that is not named any more leaves its positions behind. */
  const dropOthers = async (): Promise<void> => {
    await mkdir(positionsDir, { recursive: true, mode: 0o700 })
    const names = new Set(sinks.map(({ name }) => positionsName(name)))
    for (const name of await readdir(positionsDir))
      if (/^[0-9a-f]{16}\.json$/.test(name) && !names.has(name)) await rm(join(positionsDir, name), { force: true })
  }

  return {
    discard: async (path) => {
      try {
        await aside.take(path)
      } catch (error) {
        // Pods do not wait for it.
        log.warn({ err: error, path }, 'cannot set logs aside: what was not forwarded of them is lost')
        await noLogForward.discard(path)
      }
    },
    run: async (signal) => {
      await dropOthers()
      await Promise.all([...forwarders.map((forwarder) => forwarder.run(signal)), keepSwept(signal)])
    },
  }
}
