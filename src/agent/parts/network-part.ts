import { scopedInformer } from '../../api/scoped-informer.ts'
import { formatServedPorts, servedPortsAnnotation } from '../../api/served-ports.ts'
import { familiesOf } from '../../ip/address.ts'
import { overlayAnnotations } from '../../overlay/annotations.ts'
import { readIdentity } from '../../overlay/identity.ts'
import { createPolicyMetrics } from '../../overlay/policy/metrics.ts'
import type { Life } from '../moves.ts'
import { createNodeEvents, tellRejected } from '../node/node-events.ts'
import { createPodNetworkStack } from '../pod-network-stack.ts'
import { untilRanges } from '../pod-ranges.ts'
import { runNodeAnnotations } from './node-annotations.ts'
import type { PartContext } from './part.ts'

export const runNetworkPart = async (context: PartContext, { signal, endOnMove }: Life): Promise<void> => {
  const { client, informers, failures, netfilterOf, runner, options, served } = context
  const { nodeName, nodeAddresses, overlay, clusterCIDRs, serviceCIDRs, clusterDns, agentPort, log } = options
  const identity = await readIdentity(overlay.backend, nodeName, overlay.keyFile, (message) => log.warn(message))
  const nodes = scopedInformer(informers.nodes(), signal)
  const podCIDRs = await untilRanges({ nodes, nodeName, failures, log }, signal)
  if (signal.aborted) return
  endOnMove(nodes, nodeName, podCIDRs)
  const stack = await createPodNetworkStack({
    pods: scopedInformer(informers.pods(), signal),
    namespaces: scopedInformer(informers.namespaces(), signal),
    policies: scopedInformer(informers.policies(), signal),
    ...{ nodes, nodeName, nodeAddresses, podCIDRs, clusterCIDRs, serviceCIDRs, clusterDns, agentPort },
    ...{ settings: overlay, identity, servedPorts: served, runner, log },
    netfilters: familiesOf(podCIDRs).map(netfilterOf),
    onRejected: tellRejected(createNodeEvents(client, nodeName, log)),
  })
  const annotations = {
    ...overlayAnnotations(overlay.backend, identity, nodeAddresses[0] ?? ''),
    [servedPortsAnnotation]: formatServedPorts(served),
  }
  void stack.ready.then(() => log.info({ podCIDRs, socket: overlay.cniSocket }, 'the pod network is ready'))
  const shown = createPolicyMetrics(stack.policies)
  context.metrics.add(shown)
  try {
    await Promise.all([stack.run(signal), runNodeAnnotations({ client, nodes, nodeName, annotations, log }, signal)])
  } finally {
    context.metrics.delete(shown)
  }
}
