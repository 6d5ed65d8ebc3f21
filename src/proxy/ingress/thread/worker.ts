/** The entry of the serving thread: keep what it imports small, it is loaded a second time here. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { createRelay } from '../relay/relay.ts'
import { steadyClock } from '../steady-clock.ts'
import type { FromWorker, ToWorker, WorkerData } from './protocol.ts'
import { throttled } from './throttled.ts'

/** A failing backend fails with every request: a few lines of it are enough. */
const problemsPerPeriod = 10
const periodMs = 10_000

const serve = async (port: MessagePort, data: WorkerData): Promise<void> => {
  const post = (message: FromWorker): void => port.postMessage(message)
  const report = throttled((text) => post({ kind: 'problem', text }), steadyClock, problemsPerPeriod, periodMs)
  const relay = createRelay({ timeouts: data.timeouts, limits: data.limits, clock: steadyClock, report })
  relay.configure(data.configuration.table, data.configuration.backends)
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'update') relay.update(message.backends)
    else if (message.kind === 'configure') relay.configure(message.configuration.table, message.configuration.backends)
    // Nothing holds the thread any more once the port is closed: it ends.
    else void relay.drain().then(() => port.close())
  })
  post({ kind: 'listening', address: await relay.listen(data.listen) })
}

if (parentPort === null) throw new Error('the ingress worker is started by startRelayThread')
await serve(parentPort, workerData)
