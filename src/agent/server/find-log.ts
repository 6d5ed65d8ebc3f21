/** Which instance of a container a log request means. Pure. */
import { containerStatusesOf, withEphemeralContainers } from '../../api/pods.ts'
import type { Pod } from '../../api/types/index.ts'
import type { ContainerRecord } from '../runtime/containers.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import { RequestError } from './log-query.ts'

const stateOf = (pod: Pod, container: string) => containerStatusesOf(pod).find(({ name }) => name === container)?.state

/** Throws `RequestError` in the kubelet's words when there is no such log. */
export const findInstance = (
  pod: Pod,
  sandbox: SandboxRecord | undefined,
  container: string,
  previous: boolean,
): ContainerRecord => {
  const { name } = pod.metadata
  const known = withEphemeralContainers(pod).some((each) => each.name === container)
  if (!known) throw new RequestError(404, `container "${container}" not found in pod "${name}"`)
  const instances = (sandbox?.containers ?? []).filter((each) => each.name === container)
  const latest = instances.at(-1)
  const waiting = stateOf(pod, container)?.waiting
  if (!previous) {
    if (latest) return latest
    const reason = waiting?.reason ?? 'ContainerCreating'
    throw new RequestError(400, `container "${container}" in pod "${name}" is waiting to start: ${reason}`)
  }
  // While the next instance is held back, the last one is the previous.
  const before = latest?.exit && waiting ? latest : instances.at(-2)
  if (before) return before
  throw new RequestError(400, `previous terminated container "${container}" in pod "${name}" not found`)
}
