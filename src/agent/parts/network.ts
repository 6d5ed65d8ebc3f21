/** The pod network of the node. */
import { join } from 'node:path'
import { scopedInformer } from '../../api/scoped-informer.ts'
import { formatServedPorts, servedPortsAnnotation } from '../../api/served-ports.ts'
import { familiesOf } from '../../ip/address.ts'
import { overlayAnnotations } from '../../overlay/annotations.ts'
import { createPolicyMetrics } from '../../overlay/policy/metrics.ts'
import { firstBeginning, type Life, liveOnRanges } from '../moves.ts'
import { createNodeEvents, tellRejected } from '../node/node-events.ts'
import { createPodNetworkStack } from '../pod-network-stack.ts'
import { waitForNetwork } from './kept-ranges.ts'
import { runNodeAnnotations } from './node-annotations.ts'
import type { CreatePart, NodeContext } from './part.ts'

/** What other nodes have to know of this one. */
export const networkAnnotations = async ({ options, identity, served }: NodeContext) => ({
  ...overlayAnnotations(options.overlay.backend, await identity(), options.nodeAddresses[0] ?? ''),
  [servedPortsAnnotation]: formatServedPorts(served),
})

const live = async (node: NodeContext, { signal, beginning, endOnMove }: Life): Promise<void> => {
  const { client, informers, failures, netfilterOf, runner, iproute, options, served, readiness, metrics } = node
  const { nodeName, nodeAddresses, overlay, clusterCIDRs, serviceCIDRs, clusterDns, agentPort, dataDir, log } = options
  readiness.begins('network', beginning)
  const nodes = scopedInformer(informers.nodes(), signal)
  const keptFile = join(dataDir, 'pod-networks.json')
  const podCIDRs = await waitForNetwork({ nodes, nodeName, failures, log }, keptFile, signal)
  if (signal.aborted) return
  endOnMove(nodes, nodeName, podCIDRs)
  const stack = await createPodNetworkStack({
    pods: scopedInformer(informers.pods(), signal),
    namespaces: scopedInformer(informers.namespaces(), signal),
    policies: scopedInformer(informers.policies(), signal),
    ...{ nodes, nodeName, nodeAddresses, podCIDRs, clusterCIDRs, serviceCIDRs, clusterDns, agentPort },
    ...{ settings: overlay, identity: await node.identity(), servedPorts: served, runner, iproute, log },
    netfilters: familiesOf(podCIDRs).map(netfilterOf),
    onRejected: tellRejected(createNodeEvents(client, nodeName, log)),
  })
  void stack.ready.then(() => {
    log.info({ podCIDRs, socket: overlay.cniSocket }, 'the pod network is ready')
    readiness.serves('network')
  })
  const shown = createPolicyMetrics(stack.policies)
  metrics.add(shown)
  node.podNetwork.offer({ stack, podCIDRs, signal })
  // Where the Node is ours, it bears them from its first moment.
  const annotating = options.only.has('pods')
    ? undefined
    : runNodeAnnotations({ client, nodes, nodeName, annotations: await networkAnnotations(node), log }, signal)
  try {
    await Promise.all([stack.run(signal), annotating])
  } finally {
    metrics.delete(shown)
  }
}

export const createNetwork: CreatePart = (node) => {
  node.readiness.begins('network', firstBeginning)
  return {
    name: 'network',
    isWarm: false,
    run: (signal) => liveOnRanges(signal, node.options.log, (life) => live(node, life)),
  }
}
