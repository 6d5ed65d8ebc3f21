/** A daemon on a lab host, restarted when it ends, with growing pauses, until it is told to stay down. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { sleep } from '../api/clock.ts'
import type { Logger } from '../host/log.ts'
import { childrenOf, signalProcess } from '../host/process.ts'

export interface DaemonOptions {
  readonly name: string
  /** The words that lead onto its host (nsenter …). */
  readonly prefix: readonly [string, ...string[]]
  readonly command: readonly string[]
  /** Where both output streams go. */
  readonly output: number
  readonly log: Logger
}

export interface Daemon {
  readonly state: 'running' | 'restarting' | 'killed'
  /** How it ended last, while it does not run or has hardly begun to run again. */
  readonly lastEnd: string | undefined
  /** As seen from the lab; undefined when it is not running. */
  pid(): Promise<number | undefined>
  /** SIGKILL; it stays down until `revive`. */
  kill(): Promise<void>
  revive(): void
  /** Ends it politely, for good. */
  stop(): Promise<void>
}

const pauseBaseMs = 200
const pauseMaxMs = 5_000
/** A daemon that lived for this long starts again without a grown pause. */
const healthyMs = 10_000
const stopTimeoutMs = 5_000

export const startDaemon = ({ name, prefix, command, output, log }: DaemonOptions): Daemon => {
  let state: Daemon['state'] = 'running'
  let child: ReturnType<typeof spawn> | undefined
  let stopped = false
  let began = 0
  let lastEnd: string | undefined
  const staysDown = (): boolean => stopped || state === 'killed'
  const abort = new AbortController()

  /** nsenter stays outside the pid namespace and waits; the daemon is its child. */
  const pid = async (): Promise<number | undefined> =>
    child?.pid === undefined ? undefined : (await childrenOf(child.pid))[0]

  const runOnce = async (): Promise<number> => {
    began = Date.now()
    child = spawn(prefix[0], [...prefix.slice(1), ...command], { stdio: ['ignore', output, output], detached: true })
    const exited = once(child, 'exit')
    state = 'running'
    const [code, signal] = await exited.catch((error: unknown) => {
      log.error({ err: error, daemon: name }, 'cannot start')
      return [undefined, undefined]
    })
    child = undefined
    lastEnd = typeof signal === 'string' ? `signal ${signal}` : `exit code ${code}`
    if (!staysDown()) log.warn({ daemon: name, code, signal }, 'ended; starting it again')
    return Date.now() - began
  }

  const supervise = async (): Promise<void> => {
    let failures = 0
    while (!staysDown()) {
      const livedMs = await runOnce()
      if (staysDown()) return
      failures = livedMs > healthyMs ? 0 : failures + 1
      state = 'restarting'
      await sleep(Math.min(pauseBaseMs * 2 ** (failures - 1), pauseMaxMs), abort.signal)
    }
  }
  let supervising = supervise()

  const signal = async (what: NodeJS.Signals): Promise<void> => {
    const target = await pid()
    if (target !== undefined) signalProcess(target, what)
  }

  return {
    get state() {
      return state
    },
    get lastEnd() {
      return state === 'running' && Date.now() - began > healthyMs ? undefined : lastEnd
    },
    pid,
    kill: async () => {
      state = 'killed'
      await signal('SIGKILL')
      await supervising
    },
    revive: () => {
      if (state !== 'killed' || stopped) return
      lastEnd = undefined
      state = 'restarting'
      supervising = supervise()
    },
    stop: async () => {
      stopped = true
      abort.abort()
      await signal('SIGTERM')
      await Promise.race([supervising, sleep(stopTimeoutMs)])
      await signal('SIGKILL')
    },
  }
}
