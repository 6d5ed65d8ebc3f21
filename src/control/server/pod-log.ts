/** `GET pods/NAME/log`: asks the agent of the pod's node, and passes its bytes on. */
import { ApiError, badRequest, internalError } from '../../api/errors.ts'
import type { Node, Pod } from '../../api/types/index.ts'
import type { Objects } from '../objects/objects.ts'
import { node as nodes } from '../resources/core/node.ts'
import type { SubresourceHandler } from './resources.ts'

/** A way to the agents' own servers. */
export interface AgentConnection {
  /** GETs `path` (with query) from the agent at `https://address:port`. Rejects when it cannot be reached. */
  get(address: string, port: number, path: string, signal: AbortSignal): Promise<AgentAnswer>
}

export interface AgentAnswer {
  readonly code: number
  readonly chunks: AsyncIterable<Uint8Array>
}

/** The options of kubectl's `logs` that the agent understands; the rest is not passed on. */
const passedOn = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes', 'timestamps']

/** The container meant; without a name, the only one. Throws BadRequest. */
export const chooseContainer = ({ metadata, spec }: Pod, asked: string | null): string => {
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name)
  if (asked) {
    if (names.includes(asked)) return asked
    throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`)
  }
  const [only, ...others] = spec.containers.map(({ name }) => name)
  if (only !== undefined && others.length === 0) return only
  throw badRequest(
    `a container name must be specified for pod ${metadata.name}, choose one of: [${[only, ...others].join(' ')}]`,
  )
}

const agentOf = (node: Node): { readonly address: string; readonly port: number } => {
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port
  if (address === undefined || port === undefined)
    throw internalError(`node ${node.metadata.name} has not said where its agent listens`)
  return { address, port }
}

const textOf = async (chunks: AsyncIterable<Uint8Array>): Promise<string> => {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts).toString('utf8').trim()
}

export const podLog =
  (objects: Objects, agents: AgentConnection): SubresourceHandler =>
  async (call, { namespace, name }, definition) => {
    const pod = objects.get(definition, { namespace, name }) as Pod
    const container = chooseContainer(pod, call.query.get('container'))
    const { nodeName } = pod.spec
    const waiting = () =>
      badRequest(
        `container "${container}" in pod "${name}" is waiting to start: ${nodeName ? 'ContainerCreating' : 'no host assigned'}`,
      )
    if (!nodeName) throw waiting()
    const node = objects.get(nodes, { namespace: undefined, name: nodeName }) as Node
    const query = new URLSearchParams(
      passedOn.flatMap((option) => {
        const value = call.query.get(option)
        return value === null ? [] : [[option, value] as [string, string]]
      }),
    )
    const path = `/containerLogs/${namespace}/${name}/${container}?${query}`
    const { address, port } = agentOf(node)
    const answer = await agents.get(address, port, path, call.signal).catch((error: unknown) => {
      throw internalError(
        `cannot reach the agent of node ${nodeName} at ${address}:${port}: ${error instanceof Error ? error.message : String(error)}`,
      )
    })
    if (answer.code === 200) return { kind: 'stream', contentType: 'text/plain', chunks: answer.chunks }
    const said = await textOf(answer.chunks)
    if (answer.code === 404) throw waiting()
    throw new ApiError(answer.code, answer.code === 400 ? 'BadRequest' : 'InternalError', said)
  }
