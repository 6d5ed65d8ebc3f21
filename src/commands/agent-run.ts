import { hostname } from 'node:os'
import { runAgent } from '../agent/agent.ts'
import { joinCluster } from '../agent/join.ts'
import { podwayVersion } from '../control/version.ts'
import { createCommandRunner } from '../host/command.ts'
import { createIproute } from '../host/iproute.ts'
import { createLogger } from '../host/log.ts'
import { tidyMemoryOnce } from '../host/tidy-memory.ts'
import { isBackendName } from '../overlay/backends.ts'
import type { AgentCommandOptions, JoinCommandOptions, NodeOptions } from './agent.ts'
import { packageRoot } from './self.ts'
import { stopSignal } from './stop-signal.ts'
import { UsageError } from './usage-error.ts'

/** An address for documentation, behind the default route: asking for the way to it sends nothing. */
const farAway = '192.0.2.1'

/** The address from which this machine reaches others. */
export const ownAddress = async (): Promise<string> => {
  const iproute = createIproute(createCommandRunner())
  const [route] = await iproute.showIp(['route', 'get', farAway]).catch(() => [])
  const source = (route as { readonly prefsrc?: unknown } | undefined)?.prefsrc
  if (typeof source !== 'string')
    throw new UsageError('this machine has no default route to tell its address by: name it with --node-ip')
  return source
}

/** Everything of an agent's options but where its kubeconfig is. */
export const agentSettings = async (options: NodeOptions) => {
  const { overlay } = options
  if (!isBackendName(overlay)) throw new UsageError(`--overlay ${overlay}: expected vxlan, host-gw or none`)
  return {
    nodeName: (options.nodeName ?? hostname()).toLowerCase(),
    nodeAddress: options.nodeIp ?? (await ownAddress()),
    stateDir: options.state,
    dataDir: options.data,
    cgroupParent: options.cgroupParent,
    overlay,
    clusterCIDR: options.clusterCidr,
    serviceCIDR: options.serviceCidr,
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    upstreams: options.upstream,
    ingressPort: options.ingressPort,
    agentPort: options.agentPort,
    launcherDir: packageRoot,
    version: podwayVersion(),
    log: createLogger('agent'),
  }
}

export const agent = async (options: AgentCommandOptions): Promise<void> => {
  tidyMemoryOnce()
  await runAgent({ ...(await agentSettings(options)), kubeconfig: options.kubeconfig }, stopSignal())
}

export const join = async (server: string, options: JoinCommandOptions): Promise<void> => {
  if (!URL.canParse(server) || !server.startsWith('https://'))
    throw new UsageError(`${server} is no URL of a control plane: expected https://host:port`)
  const settings = await agentSettings(options)
  const { nodeName, nodeAddress, dataDir } = settings
  const kubeconfig = await joinCluster({ server, token: options.token, nodeName, addresses: [nodeAddress], dataDir })
  tidyMemoryOnce()
  await runAgent({ ...settings, kubeconfig }, stopSignal())
}
