import { disabledPlugins } from '../control/admission/plugins.ts'
import { type ControlOptions, runControl } from '../control/control.ts'
import { disabledControllers } from '../control/controllers/names.ts'
import type { SchedulerFiles } from '../control/scheduler/load.ts'
import { createLogger } from '../host/log.ts'
import { tidyMemory } from '../host/tidy-memory.ts'
import { auditSettings, authenticationSettings, authorizationSettings } from './access-options.ts'
import { autoscalerSettings } from './autoscaler-options.ts'
import type { ClusterOptions, ControlCommandOptions } from './control.ts'
import { etcdPlace } from './etcd.ts'
import { cidrsOption } from './families.ts'
import { checkRangesApart, namedRanges } from './ranges.ts'
import { stopSignal } from './stop-signal.ts'
import { readTokenFile } from './token-file.ts'
import { UsageError } from './usage-error.ts'

const portRange = (text: string): { readonly from: number; readonly to: number } => {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? []
  if (from === undefined || to === undefined || Number(from) < 1 || Number(to) > 65_535 || Number(from) > Number(to))
    throw new UsageError(`--node-ports ${text}: expected FROM-TO, such as 30000-32767`)
  return { from: Number(from), to: Number(to) }
}

/** What names something that is not there is wrong use. */
const named = <T>(read: () => T): T => {
  try {
    return read()
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** Throws UsageError. */
const schedulerFiles = (options: ClusterOptions): SchedulerFiles => {
  const { scheduler, schedulerConfig: config, schedulerPlugin: plugins = [] } = options
  if (!scheduler && (config !== undefined || plugins.length > 0))
    throw new UsageError('--no-scheduler: then --scheduler-config and --scheduler-plugin are of no use')
  return { ...(config === undefined ? {} : { config }), plugins }
}

/** The part of the control plane's options that does not depend on where it runs. */
export const clusterSettings = (options: ClusterOptions) => {
  const serviceCIDRs = cidrsOption(options.serviceCidr, '--service-cidr')
  const podCIDRs = cidrsOption(options.podCidr, '--pod-cidr')
  checkRangesApart(namedRanges('--pod-cidr', podCIDRs, serviceCIDRs))
  return {
    serviceCIDRs,
    podCIDRs,
    nodePrefixLengths: { IPv4: options.nodePrefix, IPv6: options.nodePrefix6 },
    nodePorts: portRange(options.nodePorts),
    loadBalancerCIDR: options.loadBalancerCidr,
    authentication: authenticationSettings(options),
    audit: auditSettings(options),
    authorization: {
      ...authorizationSettings(options),
      configMapsOfNodes: [options.tcpServicesConfigmap ?? [], options.udpServicesConfigmap ?? []].flat(),
    },
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    signingSeconds: options.clusterSigningDuration,
    nodeGraceSeconds: options.nodeGrace,
    podEvictionSeconds: options.podEviction,
    autoscaler: autoscalerSettings(options),
    disabledPlugins: named(() => disabledPlugins(options.enableAdmissionPlugins, options.disableAdmissionPlugins)),
    disabledControllers: [
      ...named(() => disabledControllers(options.controllers)),
      ...(options.scheduler ? [] : (['kube-scheduler'] as const)),
    ],
    scheduler: schedulerFiles(options),
    ...(options.encryptionProviderConfig === undefined ? {} : { encryptionConfig: options.encryptionProviderConfig }),
  }
}

export const control = async (options: ControlCommandOptions): Promise<void> => {
  const { data, bind, port, name = [] } = options
  const etcd = etcdPlace(options)
  if (options.tokenFile !== undefined && etcd === undefined)
    throw new UsageError('--token-file: only control planes on etcd are joined by others; nodes join by podway join')
  const joinToken = await readTokenFile(options.tokenFile, true)
  const settings: ControlOptions = {
    ...clusterSettings(options),
    dataDir: data,
    ...(etcd === undefined ? {} : { etcd }),
    ...(joinToken === undefined ? {} : { joinToken }),
    bindAddress: bind,
    port,
    names: name,
    localNode: options.localNode,
    log: createLogger('control'),
  }
  tidyMemory()
  await runControl(settings, stopSignal())
}
