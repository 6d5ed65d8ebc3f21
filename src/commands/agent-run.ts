import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join as joinPath } from 'node:path'
import type { IngressStackSettings } from '../agent/ingress-stack.ts'
import { joinCluster } from '../agent/join.ts'
import { partNames } from '../agent/part-names.ts'
import { runAgent } from '../agent/parts/agent.ts'
import type { ProxySettings } from '../agent/service-stack.ts'
import { createCommandRunner } from '../host/command.ts'
import type { ListenAddress } from '../host/http-listener.ts'
import { createIproute } from '../host/iproute.ts'
import { createLogger } from '../host/log.ts'
import { tidyMemory } from '../host/tidy-memory.ts'
import { podwayVersion } from '../host/version.ts'
import { isAddress } from '../ip/address.ts'
import { hostCidr, parseCidr } from '../ip/cidr.ts'
import { backendNames, isBackendName } from '../overlay/backends.ts'
import type { AgentCommandOptions, JoinCommandOptions, NodeOptions } from './agent.ts'
import { addressesOption, cidrsOption } from './families.ts'
import { logForwardSettings } from './log-forward.ts'
import { nodeResourceSettings } from './node-resources.ts'
import { partsOf } from './parts.ts'
import { namedRanges } from './ranges.ts'
import { checkRangesHere } from './ranges-here.ts'
import { nodeRuntimeOf } from './runtime.ts'
import { packageRoot } from './self.ts'
import { stopSignal } from './stop-signal.ts'
import { readTokenFile } from './token-file.ts'
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

const listenAddress = (text: string, option: string): ListenAddress | undefined => {
  if (text === 'off') return undefined
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const [address = '', port] = [found?.[1] ?? found?.[2], Number(found?.[3])]
  if (!isAddress(address) || port > 65_535)
    throw new UsageError(`${option} ${text}: expected an address and a port, such as 127.0.0.1:10249, or "off"`)
  return { address, port }
}

const proxySettings = (options: NodeOptions, nodeAddresses: readonly string[]): ProxySettings => {
  const { proxyMode } = options
  if (proxyMode !== 'iptables' && proxyMode !== 'userspace')
    throw new UsageError(`--proxy-mode ${proxyMode}: expected iptables or userspace`)
  const nodePortAddresses = options.nodePortAddresses?.flatMap((text) =>
    text === 'primary' ? nodeAddresses.map(hostCidr) : [text],
  )
  const wrong = nodePortAddresses?.find((cidr) => parseCidr(cidr) === undefined)
  if (wrong !== undefined)
    throw new UsageError(`--node-port-addresses ${wrong}: expected a range such as 192.0.2.0/24, or primary`)
  return {
    mode: proxyMode,
    proxyName: options.proxyName,
    localhostNodePorts: options.localhostNodePorts,
    nodePortAddresses,
    masqueradeAll: options.masqueradeAll ?? false,
    masqueradeBit: options.masqueradeBit,
    connections: {
      maxPerCore: options.conntrackMaxPerCore,
      min: options.conntrackMin,
      tcpEstablishedSeconds: options.conntrackTcpTimeoutEstablished,
      tcpCloseWaitSeconds: options.conntrackTcpTimeoutCloseWait,
    },
    healthz: listenAddress(options.healthzAddress, '--healthz-address'),
    metrics: listenAddress(options.metricsAddress, '--metrics-address'),
  }
}

/** Both families where the machine has IPv6 at all. */
const everywhere = async (): Promise<string> => {
  const addresses = await readFile('/proc/net/if_inet6', 'utf8').catch(() => '')
  return addresses.trim() === '' ? '0.0.0.0' : '::'
}

const rangesOf = (texts: readonly string[] = [], option: string): readonly string[] => {
  const ranges = texts.map((text) => (isAddress(text) ? hostCidr(text) : text))
  const wrong = ranges.find((cidr) => parseCidr(cidr) === undefined)
  if (wrong !== undefined) throw new UsageError(`${option} ${wrong}: expected a range such as 192.0.2.0/24`)
  return ranges
}

const objectName = (text: string | undefined, option: string): string | undefined => {
  if (text !== undefined && !/^[^/]+\/[^/]+$/.test(text))
    throw new UsageError(`${option} ${text}: expected namespace/name`)
  return text
}

const ingressSettings = async (options: NodeOptions): Promise<IngressStackSettings> => {
  const address = options.ingressAddress ?? (await everywhere())
  if (!isAddress(address)) throw new UsageError(`--ingress-address ${address}: expected an address`)
  const { ingressAccessLog: file, ingressHttpsPort, loadBalancerCidr: pool } = options
  if (pool !== undefined && parseCidr(pool) === undefined)
    throw new UsageError(`--load-balancer-cidr ${pool}: expected a range such as 192.0.2.0/24`)
  return {
    proxy: {
      address,
      httpPort: options.ingressPort,
      ...(ingressHttpsPort === 0 ? {} : { httpsPort: ingressHttpsPort }),
      ...(pool === undefined ? {} : { gatewayPool: pool }),
      threads: options.ingressThreads,
      trustedProxies: rangesOf(options.ingressTrustedProxy, '--ingress-trusted-proxy'),
      proxyProtocol: rangesOf(options.ingressProxyProtocol, '--ingress-proxy-protocol'),
      maxConnections: options.ingressMaxConnections,
      ...(file === undefined ? {} : { accessLog: { file, sample: options.ingressAccessLogSample } }),
      dataDir: options.data,
    },
    streams: {
      address,
      tcp: objectName(options.tcpServicesConfigmap, '--tcp-services-configmap'),
      udp: objectName(options.udpServicesConfigmap, '--udp-services-configmap'),
    },
    metrics: listenAddress(options.ingressMetricsAddress, '--ingress-metrics-address'),
  }
}

/** Everything of an agent's options but where its kubeconfig is. */
export const agentSettings = async (options: NodeOptions) => {
  const { overlay } = options
  if (!isBackendName(overlay)) throw new UsageError(`--overlay ${overlay}: expected one of ${backendNames.join(', ')}`)
  const clusterCIDRs = cidrsOption(options.clusterCidr, '--cluster-cidr')
  const serviceCIDRs = cidrsOption(options.serviceCidr, '--service-cidr')
  const nodeAddresses = options.nodeIp ? addressesOption(options.nodeIp, '--node-ip') : [await ownAddress()]
  return {
    nodeName: (options.nodeName ?? hostname()).toLowerCase(),
    nodeAddresses,
    stateDir: options.state,
    dataDir: options.data,
    cgroupParent: options.cgroupParent,
    csiPlugins: options.csiPlugins,
    runtime: nodeRuntimeOf(options.runtime),
    criSocket: options.criSocket,
    ...nodeResourceSettings(options),
    podManifestPath: options.podManifestPath,
    overlay: {
      backend: overlay,
      directRouting: options.directRouting ?? false,
      keyFile: joinPath(options.data, 'wireguard.key'),
      leaseFile: joinPath(options.data, 'leases.json'),
      cniSocket: joinPath(options.state, 'cni.sock'),
      ...(options.cniConfDir === 'off' ? {} : { announce: { confDir: options.cniConfDir, stateDir: options.state } }),
    },
    clusterCIDRs,
    serviceCIDRs,
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    upstreams: options.upstream,
    ingress: await ingressSettings(options),
    agentPort: options.agentPort,
    proxy: proxySettings(options, nodeAddresses),
    dns: {
      configFile: options.dnsConfig,
      threads: options.dnsThreads,
      snapshotFile: joinPath(options.data, 'dns-zone'),
      metrics: listenAddress(options.dnsMetricsAddress, '--dns-metrics-address'),
    },
    logForward: logForwardSettings(options),
    launcherDir: packageRoot,
    version: podwayVersion(),
    log: createLogger('agent'),
  }
}

/** Refuses ranges that would take packets away from somebody else. */
export const checkOverlaps = async (
  { allowOverlap }: Pick<NodeOptions, 'allowOverlap'>,
  { clusterCIDRs, serviceCIDRs }: Awaited<ReturnType<typeof agentSettings>>,
): Promise<void> => {
  if (!allowOverlap) await checkRangesHere(namedRanges('--cluster-cidr', clusterCIDRs, serviceCIDRs))
}

export const agent = async (options: AgentCommandOptions): Promise<void> => {
  const { kubeconfig, only } = options
  const chosen = only === undefined ? undefined : partsOf(only)
  const settings = { ...(await agentSettings(options)), kubeconfig, hasJoined: false }
  if (chosen && settings.logForward.targets.length > 0)
    throw new UsageError(
      '--log-forward: the logs are those of the pods that this agent runs, and with --only there are none',
    )
  // Beside another pod network its routes are there by right.
  if (!chosen || chosen.has('network')) await checkOverlaps(options, settings)
  tidyMemory()
  await runAgent({ ...settings, only: chosen ?? new Set(partNames) }, stopSignal())
}

export const join = async (server: string, options: JoinCommandOptions): Promise<void> => {
  if (!URL.canParse(server) || !server.startsWith('https://'))
    throw new UsageError(`${server} is no URL of a control plane: expected https://host:port`)
  const settings = await agentSettings(options)
  await checkOverlaps(options, settings)
  const { nodeName, dataDir, log } = settings
  const signal = stopSignal()
  const token = (kept: unknown) => readTokenFile(options.tokenFile, kept !== undefined)
  const kubeconfig = await joinCluster({ server, token, nodeName, dataDir, log }, signal)
  tidyMemory()
  await runAgent({ ...settings, only: new Set(partNames), kubeconfig, hasJoined: true }, signal)
}
