/** A thread for those who watch over threads: it echoes, hangs, throws or ends as it is told. */
import { parentPort, workerData } from 'node:worker_threads'
import { startHeartbeat } from '../../src/host/heartbeat.ts'

const heartbeat = startHeartbeat(workerData.heart)
parentPort?.postMessage(workerData.greeting)
parentPort?.on('message', (message: string) => {
  if (message === 'end') return parentPort?.close()
  if (message === 'throw') throw new Error('a mistake')
  if (message === 'exit') process.exit(3)
  if (message === 'hang') {
    heartbeat.begins('a.lab', '/slow')
    for (;;);
  }
  if (message === 'busy') for (const end = performance.now() + 300; performance.now() < end; );
  parentPort?.postMessage(message)
})
