/** The entry of a serving thread: keep what it imports small, it is loaded once more in each. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { steadyClock } from '../../../api/clock.ts'
import { startHeartbeat } from '../../../host/heartbeat.ts'
import { createGuard } from '../relay/guard.ts'
import { createRelay, type Relay } from '../relay/relay.ts'
import type { AccessLog } from './access-log.ts'
import { createDoors, type Doors } from './doors.ts'
import type { FromWorker, ToWorker, WorkerData } from './protocol.ts'
import { createStatistics, type Statistics } from './statistics.ts'
import { throttled } from './throttled.ts'

/** A failing backend fails with every request: a few lines of it are enough. */
const problemsPerPeriod = 10
const periodMs = 10_000

const openLog = async (
  { accessLog }: WorkerData,
  report: (problem: string) => void,
): Promise<AccessLog | undefined> => {
  if (!accessLog) return undefined
  const { createAccessLog } = await import('./access-log.ts')
  return createAccessLog(accessLog, (error) => report(`cannot write the access log: ${String(error)}`))
}

const obey = (
  port: MessagePort,
  relay: Relay,
  doors: Doors,
  statistics: Statistics,
  log: AccessLog | undefined,
): void => {
  const post = (message: FromWorker): void => port.postMessage(message)
  const take = (message: ToWorker): void => {
    switch (message.kind) {
      case 'update':
        return relay.apply(message.update)
      case 'listen':
        return void doors.open(message.listener)
      case 'unlisten':
        return doors.close(message.entry)
      case 'snapshot': {
        const { connections, retries, faults } = relay
        const snapshot = { series: statistics.series(), connections, retries, faults }
        return post({ kind: 'snapshot', id: message.id, snapshot })
      }
      case 'drain':
        doors.stop()
        // Nothing holds the thread any more once the port is closed: it ends.
        return void relay.drain().then(() => {
          log?.close()
          port.close()
        })
    }
  }
  port.on('message', createGuard('a message of the agent', relay.fault, () => {})(take))
}

const serve = async (port: MessagePort, data: WorkerData): Promise<void> => {
  const post = (message: FromWorker): void => port.postMessage(message)
  const report = throttled((text) => post({ kind: 'problem', text }), steadyClock, problemsPerPeriod, periodMs)
  const heartbeat = startHeartbeat(data.heart)
  const statistics = createStatistics()
  const log = await openLog(data, report)
  const relay = createRelay({
    ...data,
    ticketKeys: Buffer.from(data.ticketKeys),
    clock: steadyClock,
    heartbeat,
    report,
    observe: log
      ? (observed) => {
          statistics.add(observed)
          log.write(observed)
        }
      : statistics.add,
  })
  // The last net: what one request throws where nobody expects it must not end all the others.
  process.on('uncaughtException', (error) => relay.fault('the ingress thread', error))
  process.on('unhandledRejection', (error) => relay.fault('the ingress thread', error))
  relay.apply(data.update)
  const doors = createDoors(relay, steadyClock, (text) => post({ kind: 'problem', text }))
  obey(port, relay, doors, statistics, log)
  const ports: Record<string, number> = {}
  for (const listener of data.listeners) {
    const opened = await doors.open(listener)
    if (opened !== undefined) ports[listener.entry] = opened
  }
  post({ kind: 'listening', ports })
}

if (parentPort === null) throw new Error('the ingress worker is started by startRelayThread')
await serve(parentPort, workerData)
