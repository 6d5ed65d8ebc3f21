/**
 * Everything at once on one control plane: 1,000 nodes, 10,000 pods, 1,000 Services.
 *   node_modules/.bin/node test/bench/workloads/scale.ts
 */
import { sized } from '../support/size.ts'
import { startCluster } from './cluster.ts'
import { deploy, expose, rest, rollOut } from './measure.ts'
import { costRow, header, memoryRow, restRow } from './report.ts'

const nodeCount = sized(1_000, 5)
const serviceCount = sized(1_000, 3)
const replicas = sized(10, 2)
const names = Array.from({ length: serviceCount }, (_, n) => `app-${n}`)

const { cluster, nodesReady } = await startCluster(nodeCount)
try {
  console.log(header)
  console.log(costRow(`${nodeCount} nodes Ready`, nodesReady))
  const what = `${serviceCount * replicas} pods of ${serviceCount} Deployments, all available`
  console.log(costRow(what, await deploy(cluster, names, replicas)))
  console.log(costRow(`${serviceCount} Services with their addresses`, await expose(cluster, names, replicas)))
  console.log(costRow(`rolling update of one Deployment of ${replicas}`, await rollOut(cluster, 'app-0')))
  console.log(restRow('idle', await rest(cluster)))
  console.log(await memoryRow('with all of it', cluster))
} finally {
  await cluster.stop()
}
