/** Services on the node. */
import { aborted } from '../../api/clock.ts'
import { podCIDRsOf } from '../../api/nodes.ts'
import { scopedInformer } from '../../api/scoped-informer.ts'
import { familiesOf } from '../../ip/address.ts'
import { type Life, liveOnRanges } from '../moves.ts'
import { createServiceStack, readTcpLiberal } from '../service-stack.ts'
import type { CreatePart, NodeContext } from './part.ts'

const notYet = 'Services are not in the kernel yet'

const serve = async (node: NodeContext, podCIDRs: readonly string[], signal: AbortSignal): Promise<void> => {
  const { informers, netfilterOf, runner, options, served, apiServer, readiness } = node
  const { nodeName, nodeAddresses, serviceCIDRs, log } = options
  readiness.begins('proxy', notYet)
  const stack = createServiceStack({
    services: scopedInformer(informers.services(), signal),
    slices: scopedInformer(informers.slices(), signal),
    nodes: scopedInformer(informers.nodes(), signal),
    ...{ nodeName, nodeAddresses, podCIDRs, runner, log },
    ...{ netfilters: familiesOf(serviceCIDRs).map(netfilterOf), serviceCIDRs, settings: options.proxy },
    ...{ servedPorts: served, apiServer, isTcpLiberal: await readTcpLiberal() },
    moreMetrics: () => [...node.metrics],
  })
  void stack.synced.then(() => {
    log.info('Services are in the kernel')
    readiness.serves('proxy')
  })
  await stack.run(signal)
}

/** Beside somebody else's pods nothing is waited for: without a range of the node's own, the cluster's counts as local. */
const beside = async (node: NodeContext, { signal, endOnMove }: Life): Promise<void> => {
  const { nodeName, clusterCIDRs, log } = node.options
  const nodes = scopedInformer(node.informers.nodes(), signal)
  await Promise.race([nodes.settled, aborted(signal)])
  if (signal.aborted) return
  const known = podCIDRsOf(nodes.get(nodeName))
  endOnMove(nodes, nodeName, known)
  if (known.length === 0)
    log.info({ node: nodeName, clusterCIDRs }, 'no podCIDR of this node is known: all pods count as local clients')
  await serve(node, known.length > 0 ? known : clusterCIDRs, signal)
}

export const createServices: CreatePart = (node) => {
  node.readiness.begins('proxy', notYet)
  return {
    name: 'proxy',
    isWarm: false,
    run: (signal) =>
      node.options.only.has('pods')
        ? node.podNetwork.each(signal, ({ podCIDRs }, life) => serve(node, podCIDRs, life))
        : liveOnRanges(signal, node.options.log, (life) => beside(node, life)),
  }
}
