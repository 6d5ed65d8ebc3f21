import { toUpstream } from '../agent.ts'
import { createDnsStack } from '../dns-stack.ts'
import { readHostResolvConf } from '../host-resolv-conf.ts'
import type { Succession } from './hold-part.ts'
import type { PartContext } from './part.ts'

/** The address of the cluster DNS becomes one of the loopback device, since the pods' bridge may be somebody else's. */
export const runDnsPart = async (
  context: PartContext,
  signal: AbortSignal,
  { onReady, alone }: Succession,
): Promise<void> => {
  const { informers, netfilterOf, runner, options } = context
  const { clusterDns, clusterDomain, clusterCIDRs, nodeAddresses, log } = options
  const { nameservers, searches } = await readHostResolvConf()
  const stack = await createDnsStack({
    ...{ services: informers.services(), slices: informers.slices() },
    ...{ pods: informers.pods(), published: informers.published() },
    ...{ settings: options.dns, address: clusterDns, device: 'lo', clusterDomain, clusterCIDRs, nodeAddresses },
    upstreams: (options.upstreams ?? nameservers).map(toUpstream),
    ...{ searches, netfilterOf, runner, log },
  })
  void stack.ready.then(onReady)
  await stack.run(signal, Promise.resolve(), alone)
}
