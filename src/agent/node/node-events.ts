/** Events about this node, written by its agent. */
import type { Client } from '../../api/client.ts'
import { createEventRecorder } from '../../api/event-recorder.ts'
import type { ObjectReference } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'

export interface NodeEvents {
  warn(reason: string, message: string): void
}

/** Events about nodes bear the node's name as uid: that is what kubectl describe looks for. */
export const nodeReference = (name: string): ObjectReference => ({
  apiVersion: 'v1',
  kind: 'Node',
  name,
  uid: name,
})

export const createNodeEvents = (client: Client, nodeName: string, log: Logger): NodeEvents => {
  const recorder = createEventRecorder({ client, component: 'kubelet', host: nodeName, log })
  const about = nodeReference(nodeName)
  return { warn: (reason, message) => recorder.record(about, 'Warning', reason, message) }
}

/** A node gets no traffic from this one. */
export const tellRejected =
  (events: NodeEvents) =>
  ({ node, reason }: { readonly node: string; readonly reason: string }): void =>
    events.warn('PeerRejected', `no pod traffic to node ${node}: ${reason}`)
