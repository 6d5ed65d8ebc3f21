/** Keeps what other nodes have to know of this one in its Node, which is somebody else's. */
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { isForbidden } from '../../api/errors.ts'
import { failureText } from '../../api/failure-text.ts'
import type { Informer } from '../../api/informer.ts'
import { nodes as nodeResource } from '../../api/resources.ts'
import { createSyncLoop } from '../../api/sync-loop.ts'
import type { Node, StringMap } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'

export interface NodeAnnotationsOptions {
  readonly client: Client
  readonly nodes: Informer<Node>
  readonly nodeName: string
  readonly annotations: StringMap
  readonly log: Logger
  readonly clock?: Clock
}

const hasAll = ({ metadata }: Node, annotations: StringMap): boolean =>
  Object.entries(annotations).every(([name, value]) => metadata.annotations?.[name] === value)

/** Runs until `signal` aborts. A Node that is made anew gets them again. */
export const runNodeAnnotations = async (options: NodeAnnotationsOptions, signal: AbortSignal): Promise<void> => {
  const { client, nodes, nodeName, annotations, log, clock } = options

  /** Who may not change nodes may often change their status, as flannel's role has it: annotations can be set there, too. */
  const write = async (node: Node): Promise<Node> => {
    const patch = { metadata: { annotations } }
    try {
      return await client.patch(nodeResource, node, patch)
    } catch (error) {
      if (!isForbidden(error)) throw error
    }
    return client.patch(nodeResource, node, patch, 'status')
  }

  const sync = async (): Promise<void> => {
    const node = nodes.get(nodeName)
    if (!node || hasAll(node, annotations)) return
    if (hasAll(await write(node), annotations)) return
    throw new Error('the API server does not keep annotations that are set with the status')
  }

  let told: string | undefined
  const loop = createSyncLoop({
    sync,
    ...(clock ? { clock } : {}),
    onError: (error, retryInMs) => {
      const why = failureText(error)
      if (why !== told)
        log.warn(
          { retryInMs },
          `other nodes do not learn how to reach this one's pods: cannot annotate Node ${nodeName}: ${why}; grant "patch" on nodes or nodes/status`,
        )
      told = why
    },
  })
  nodes.onChange((key) => {
    if (key === nodeName) loop.markAll()
  }, signal)
  await loop.run(signal)
}
