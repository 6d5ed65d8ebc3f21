/**
 * A pod agent with the process runtime in a process of its own, to be killed. Arguments: the API's URL, a folder, and where logs are
 * forwarded to.
 */
import { createForwardCounters } from '../../src/agent/logs/forward/counters.ts'
import { openSinks } from '../../src/agent/logs/forward/open-sinks.ts'
import { parseTarget } from '../../src/agent/logs/forward/target.ts'
import { readHostFacts } from '../../src/agent/node/host-facts.ts'
import { createPodAgent } from '../../src/agent/pod-agent.ts'
import { createProcessRuntime } from '../../src/agent/runtime/process/process-runtime.ts'
import { createNodeStats } from '../../src/agent/stats/node-stats.ts'
import { createNodeMounts } from '../../src/agent/volumes/node-mounts.ts'
import { createClient } from '../../src/api/client.ts'
import { createHttpTransport } from '../../src/api/http-transport.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { createLogger } from '../../src/host/log.ts'
import { openClusterApi } from './cluster-api.ts'
import { agentOptions } from './pod-agent.ts'
import { createVethNetwork } from './veth-network.ts'

const [url = '', folder = '', ...targets] = process.argv.slice(2)
const log = createLogger('agent')
const runner = createCommandRunner()
const sinks = await openSinks({ targets: targets.flatMap((target) => parseTarget(target) ?? []) })
const agent = createPodAgent({
  ...agentOptions(await openClusterApi(), folder, (onChange, onDamage) =>
    createProcessRuntime({
      ...{ stateDir: `${folder}/runtime`, cgroups: undefined, onChange, onDamage, log, pollMs: 5_000 },
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    }),
  ),
  client: createClient(createHttpTransport({ server: url })),
  network: createVethNetwork(runner),
  nodeMounts: createNodeMounts(runner),
  log,
  ...(sinks.length === 0
    ? {}
    : { logForward: { sinks, counters: createForwardCounters(), folder: `${folder}/log-forward` } }),
})
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
process.on('SIGUSR2', () => process.stdout.write(`${JSON.stringify(process.memoryUsage())}\n`))
const host = await readHostFacts(folder)
const stats = createNodeStats({ nodeName: 'node-a', host, version: '0', agent, dataDir: folder, runner, log })
await Promise.all([agent.run(stop.signal), stats.run(stop.signal)])
process.exit(0)
