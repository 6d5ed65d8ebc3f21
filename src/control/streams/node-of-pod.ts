/** Which container and node a request about a pod means. */
import { ApiError, badRequest, errorText } from '../../api/errors.ts'
import { withEphemeralContainers } from '../../api/pods.ts'
import type { Pod } from '../../api/types/index.ts'

/** The container meant; without a name, the only one. Throws BadRequest. */
export const chooseContainer = (pod: Pod, asked: string | null): string => {
  const { metadata, spec } = pod
  const names = withEphemeralContainers(pod).map(({ name }) => name)
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

/** Throws BadRequest for a pod that is on no node. */
export const nodeOfPod = ({ metadata, spec }: Pod): string => {
  if (spec.nodeName) return spec.nodeName
  throw badRequest(`pod ${metadata.name} does not have a host assigned`)
}

/** There is no way to the node, or its agent broke off. */
export const unreachable = (node: string, error: unknown): ApiError => {
  const why = errorText(error)
  return new ApiError(500, '', `error dialing backend: cannot reach the agent of node ${node}: ${why}`)
}
