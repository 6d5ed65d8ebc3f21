/** The entry of the DNS thread: answers go on while the agent is busy. Keep what it imports small. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { cidrOf } from '../../ipam/cidr.ts'
import { checks } from '../answer/checks.ts'
import { clusterNames } from '../answer/cluster.ts'
import { outsideNames } from '../answer/outside.ts'
import { createResponder } from '../answer/responder.ts'
import { createForwarder } from '../forward/forwarder.ts'
import { createResolve } from '../forward/resolve.ts'
import { type Listener, listen } from '../server/listen.ts'
import { apexRecords } from '../zone/apex.ts'
import { createZone } from '../zone/zone.ts'
import type { FromWorker, ToWorker, WorkerData } from './protocol.ts'

/** How long clients may remember that a name does not exist: Services come and go. */
const negativeTtl = 5

const serve = async (port: MessagePort, data: WorkerData): Promise<void> => {
  const { origin, addresses, ttl } = data
  const zone = createZone()
  let serial = Math.floor(Date.now() / 1000)
  const writeApex = (): void => zone.set('.', apexRecords({ zone: origin, addresses, serial, negativeTtl }))
  writeApex()
  let isReady = false

  const forwarder = createForwarder({ upstreams: data.upstreams })
  const resolveOutside = createResolve(forwarder)
  // The order in which a query is offered to those who may answer it.
  const tell = (message: FromWorker): void => port.postMessage(message)
  const respond = createResponder(
    [
      checks,
      clusterNames({ zone, origin, isReady: () => isReady, ttl, negativeTtl, resolveOutside }),
      outsideNames(forwarder, data.recursionCIDRs.map(cidrOf)),
    ],
    (error) => tell({ kind: 'fault', error }),
  )

  // With port 0 the first address chooses, and the others follow.
  const listeners: Listener[] = []
  for (const address of addresses)
    listeners.push(await listen({ address, port: listeners[0]?.port ?? data.port, respond }))

  port.on('message', (message: ToWorker) => {
    if (message.kind === 'records') {
      for (const [source, records] of message.sources) zone.set(source, records)
      serial = Math.max(serial + 1, Math.floor(Date.now() / 1000))
      writeApex()
    } else if (message.kind === 'synced') isReady = true
    else void Promise.all(listeners.map(({ close }) => close())).then(() => port.close())
  })
  tell({ kind: 'listening', port: listeners[0]?.port ?? data.port })
}

if (parentPort === null) throw new Error('the DNS worker is started by startDnsThread')
await serve(parentPort, workerData)
