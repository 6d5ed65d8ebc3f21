/** The threads that serve: as many as wanted, all with the same doors and the same configuration. */
import type { Clock } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'
import { createRestarts, type RestartCounts } from '../../host/restarts.ts'
import type { GatewayDoor } from './gateway/serving.ts'
import type { RelayUpdate } from './relay/relay.ts'
import type { Listener, ToWorker, WorkerData } from './thread/protocol.ts'
import type { Snapshot } from './thread/statistics.ts'
import { type RelayThread, startRelayThread } from './thread/thread.ts'

export interface Threads {
  /** Whether one is missing: `start` it with everything, an update would not reach it. */
  readonly isMissing: boolean
  /** Starts those that are missing. Rejects when one cannot. */
  start(whole: RelayUpdate, doors: readonly GatewayDoor[]): Promise<void>
  /** Tells all of them what has changed, and which doors there shall be. */
  update(update: RelayUpdate, doors: readonly GatewayDoor[]): void
  /** The ports of the doors that are always there. */
  ports(): Readonly<Record<string, number>>
  snapshots(): Promise<readonly Snapshot[]>
  /** How often threads were replaced. */
  readonly restarts: RestartCounts
  /** Why requests are not served as they should be; undefined when they are. */
  problem(): string | undefined
  /** Ends them gracefully. */
  stop(): Promise<void>
}

export interface ThreadsOptions {
  readonly count: number
  /** The doors that are always there. */
  readonly listeners: readonly Listener[]
  readonly data: Omit<WorkerData, 'listeners' | 'update' | 'heart'>
  readonly address: string
  readonly log: Logger
  readonly clock: Clock
  /** One is missing that is to be started now. */
  readonly missing: () => void
}

const has = (doors: readonly GatewayDoor[], door: GatewayDoor): boolean =>
  doors.some(({ entry, tls }) => entry === door.entry && tls === door.tls)

export const createThreads = (options: ThreadsOptions): Threads => {
  const { count, listeners, data, address, log, clock, missing } = options
  const restarts = createRestarts(clock)
  /** Missing, and not to be started yet. */
  let resting = 0
  let threads: readonly RelayThread[] = []
  let open: readonly GatewayDoor[] = []

  /** Doors beside those that are always there. */
  const ownDoors = (doors: readonly GatewayDoor[]): readonly GatewayDoor[] =>
    doors.filter(({ entry }) => !listeners.some((listener) => listener.entry === entry))
  const listenerOf = ({ entry, port, tls, address: own = address }: GatewayDoor): Listener => ({
    ...{ entry, port, tls, address: own, reusePort: true },
  })
  const tell = (message: ToWorker): void => {
    for (const thread of threads) thread.post(message)
  }

  const startOne = async (update: RelayUpdate): Promise<RelayThread> => {
    // A free port that was found for the first is everybody's.
    const ports = threads[0]?.ports
    const usual = listeners.map((each) => ({ ...each, port: ports?.[each.entry] ?? each.port }))
    const all = [...usual, ...open.map(listenerOf)]
    const started = await startRelayThread({ ...data, listeners: all, update }, (problem) => log.warn(problem))
    void started.ended.then((reason) => {
      threads = threads.filter((each) => each !== started)
      if (reason === undefined) return
      const retryInMs = restarts.ended(reason)
      log.error({ err: reason, retryInMs }, 'an ingress thread has ended: starting another one')
      resting++
      clock.after(retryInMs, () => {
        resting--
        missing()
      })
    })
    return started
  }

  return {
    get isMissing() {
      return threads.length + resting < count
    },
    start: async (whole, doors) => {
      open = ownDoors(doors)
      while (threads.length + resting < count) threads = [...threads, await startOne(whole)]
      log.info({ ports: threads[0]?.ports }, 'ingress listens')
    },
    update: (update, doors) => {
      tell({ kind: 'update', update })
      const wanted = ownDoors(doors)
      for (const door of open) if (!has(wanted, door)) tell({ kind: 'unlisten', entry: door.entry })
      for (const door of wanted) if (!has(open, door)) tell({ kind: 'listen', listener: listenerOf(door) })
      open = wanted
    },
    ports: () => threads[0]?.ports ?? {},
    snapshots: async () => {
      const all = await Promise.all(threads.map((thread) => thread.snapshot()))
      return all.filter((each) => each !== undefined)
    },
    restarts: restarts.counts,
    problem: () => {
      const loop = restarts.looping()
      if (loop !== undefined) return `an ingress thread ${loop}`
      return threads.length === 0 ? 'not serving yet' : undefined
    },
    stop: async () => {
      await Promise.all(threads.map((thread) => thread.stop()))
    },
  }
}
