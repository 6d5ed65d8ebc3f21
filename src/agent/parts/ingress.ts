/** Ingress on the node. */
import { createIngressStack } from '../ingress-stack.ts'
import type { CreatePart } from './part.ts'

export const createIngressPart: CreatePart = ({ client, informers, failures, netfilterOf, iproute, options }) => ({
  name: 'ingress',
  isWarm: true,
  run: async (signal, { onReady }) => {
    const { clusterDomain, clusterDns, nodeName, nodeAddresses, log } = options
    const stack = createIngressStack({
      ...{ client, informers, failures, clusterDomain, clusterDns, nodeName, nodeAddresses, log },
      ...{ netfilterOf, iproute },
      settings: options.ingress,
    })
    void stack.ready.then(onReady)
    await stack.run(signal)
  },
})
