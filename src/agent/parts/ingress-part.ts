import { createIngressStack } from '../ingress-stack.ts'
import type { Succession } from './hold-part.ts'
import type { PartContext } from './part.ts'

export const runIngressPart = async (
  context: PartContext,
  signal: AbortSignal,
  { onReady }: Succession,
): Promise<void> => {
  const { client, informers, failures, netfilterOf, runner, options } = context
  const { clusterDomain, clusterDns, nodeName, nodeAddresses, log } = options
  const stack = createIngressStack({
    ...{ client, informers, failures, clusterDomain, clusterDns, nodeName, nodeAddresses, log },
    ...{ netfilterOf, runner },
    settings: options.ingress,
  })
  void stack.ready.then(onReady)
  await stack.run(signal)
}
