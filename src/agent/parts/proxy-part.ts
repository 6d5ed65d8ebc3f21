import { aborted } from '../../api/clock.ts'
import { podCIDRsOf } from '../../api/nodes.ts'
import { scopedInformer } from '../../api/scoped-informer.ts'
import { familiesOf } from '../../ip/address.ts'
import type { Life } from '../moves.ts'
import { createServiceStack, readTcpLiberal } from '../service-stack.ts'
import type { PartContext } from './part.ts'

export const runProxyPart = async (context: PartContext, { signal, endOnMove }: Life): Promise<void> => {
  const { informers, netfilterOf, runner, options, served, apiServer } = context
  const { nodeName, nodeAddresses, clusterCIDRs, serviceCIDRs, log } = options
  const nodes = scopedInformer(informers.nodes(), signal)
  await Promise.race([nodes.settled, aborted(signal)])
  if (signal.aborted) return
  const known = podCIDRsOf(nodes.get(nodeName))
  endOnMove(nodes, nodeName, known)
  if (known.length === 0)
    log.info({ node: nodeName, clusterCIDRs }, 'no podCIDR of this node is known: all pods count as local clients')
  const stack = createServiceStack({
    services: scopedInformer(informers.services(), signal),
    slices: scopedInformer(informers.slices(), signal),
    ...{ nodes, nodeName, nodeAddresses, podCIDRs: known.length > 0 ? known : clusterCIDRs, runner, log },
    ...{ netfilters: familiesOf(serviceCIDRs).map(netfilterOf), serviceCIDRs, settings: options.proxy },
    ...{ servedPorts: served, apiServer, isTcpLiberal: await readTcpLiberal() },
    moreMetrics: () => [...context.metrics],
  })
  void stack.synced.then(() => log.info('Services are in the kernel'))
  await stack.run(signal)
}
