/**
 * What the API server does and costs: ready, creations, lists, watches, memory, idle. Beside a Kubernetes API server on etcd
 * where PODWAY_PEER_APISERVER and PODWAY_PEER_ETCD name their programs; its durable writes are as durable as ours.
 *   sh scripts/universe.sh node_modules/.bin/node test/bench/api/main.ts
 */
import { setTimeout as pause } from 'node:timers/promises'
import { sized } from '../support/size.ts'
import { createCaller, creationRates, idleCpu, isReady, listOfPods, watchLatency } from './measure.ts'
import { type StartServer, startPeer, startPodway, startReady } from './server.ts'

type Figures = Readonly<Record<string, number>>

const megabytes = (bytes: number): number => bytes / 1e6

const measure = async (name: string, start: StartServer): Promise<Figures> => {
  console.error(`${name}: starting`)
  const { server, seconds } = await startReady(start, isReady)
  const caller = createCaller(server.connection)
  try {
    await pause(sized(5_000, 10))
    const resident = await server.resident()
    console.error(`${name}: idle`)
    const idle = await idleCpu(server)
    console.error(`${name}: watches`)
    const watching = await watchLatency(caller)
    console.error(`${name}: creations`)
    const rates = await creationRates(caller)
    console.error(`${name}: lists`)
    const list = await listOfPods(caller, server)
    return {
      'seconds until ready': seconds,
      'idle: % of a processor': idle,
      'idle: MB': megabytes(resident),
      ...rates,
      'list of 10,000 pods, ms': list.ms,
      'with 10,000 pods and more, MB': megabytes(list.resident),
      '1,000 watchers, p50 ms': watching.p50,
      '1,000 watchers, p99 ms': watching.p99,
    }
  } finally {
    await caller.close()
    await server.stop()
  }
}

const { PODWAY_PEER_APISERVER: apiServer, PODWAY_PEER_ETCD: etcd } = process.env
const ours = await measure('podway', startPodway)
const peer = apiServer && etcd ? await measure('peer', startPeer({ apiServer, etcd })) : undefined
console.log(`| | podway |${peer ? ' kube-apiserver and etcd | podway / peer |' : ''}`)
console.log(`| --- | --- |${peer ? ' --- | --- |' : ''}`)
for (const [name, value] of Object.entries(ours)) {
  const other = peer?.[name]
  const beside =
    other === undefined ? '' : ` ${other.toPrecision(3)} | ${other === 0 ? '–' : (value / other).toPrecision(2)} |`
  console.log(`| ${name} | ${value.toPrecision(3)} |${beside}`)
}
