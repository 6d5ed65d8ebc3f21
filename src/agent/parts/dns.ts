/** The cluster DNS on the node. Its address is one of the loopback device, since the pods' bridge may be somebody else's. */
import { createDnsStack, toUpstream } from '../dns-stack.ts'
import { readHostResolvConf } from '../host-resolv-conf.ts'
import type { CreatePart } from './part.ts'

export const createDns: CreatePart = ({ informers, netfilterOf, iproute, options, readiness }) => {
  readiness.begins('dns', 'DNS does not answer yet')
  return {
    name: 'dns',
    isWarm: true,
    run: async (signal, { onReady, alone }) => {
      const { clusterDns, clusterDomain, clusterCIDRs, nodeAddresses, log } = options
      const { nameservers, searches } = await readHostResolvConf()
      const stack = await createDnsStack({
        ...{ services: informers.services(), slices: informers.slices() },
        ...{ pods: informers.pods(), published: informers.published() },
        ...{ settings: options.dns, address: clusterDns, device: 'lo', clusterDomain, clusterCIDRs, nodeAddresses },
        upstreams: (options.upstreams ?? nameservers).map(toUpstream),
        ...{ searches, netfilterOf, iproute, log },
      })
      void stack.ready.then(() => {
        onReady()
        readiness.serves('dns')
      })
      await stack.run(signal, alone)
    },
  }
}
