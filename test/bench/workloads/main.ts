/**
 * Workloads on simulated nodes: how fast pods are scheduled, a Deployment comes up and is rolled, and what it costs. On one control
 * plane, or on several over one etcd.
 *   node_modules/.bin/node test/bench/workloads/main.ts [3]
 */
import { sized } from '../support/size.ts'
import { startCluster } from './cluster.ts'
import { deletePods, deploy, rest, rollOut, schedulePods } from './measure.ts'
import { costRow, header, memoryRow, rateOf, restRow } from './report.ts'

const planeCount = Number(process.argv[2] ?? 1)
const nodeCount = sized(1_000, 5)
const singles = sized(2_000, 10)
const replicas = sized(1_000, 10)

const { cluster, nodesReady } = await startCluster(nodeCount, planeCount)
try {
  console.log(`control planes: ${planeCount}`)
  console.log(header)
  console.log(costRow(`${nodeCount} nodes Ready`, nodesReady))
  console.log(restRow('idle with nodes alone', await rest(cluster)))
  console.log(await memoryRow('with nodes alone', cluster))
  const scheduled = await schedulePods(cluster, singles)
  console.log(costRow(`${singles} single pods, from the first created to the last bound`, scheduled))
  const perSecond = rateOf(singles, scheduled.seconds)
  console.log(
    `pods created and scheduled: ${perSecond} a second, ${rateOf(singles, scheduled.controlCpu)} a CPU second`,
  )
  console.log(costRow('their deletion', await deletePods(cluster, singles)))
  console.log(costRow(`a Deployment of ${replicas}, all available`, await deploy(cluster, ['web'], replicas)))
  console.log(costRow('its rolling update', await rollOut(cluster, 'web')))
  console.log(restRow('idle', await rest(cluster)))
  console.log(await memoryRow('with all of it', cluster))
} finally {
  await cluster.stop()
}
