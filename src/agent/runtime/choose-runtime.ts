/** Which runtime a pod gets. Pure. */
import { allContainers } from '../../api/pods.ts'
import type { Pod } from '../../api/types/index.ts'
import { isOwnImage } from './own-images.ts'

/** No runtime of this node runs the pod. */
export class NoRuntimeError extends Error {
  override readonly name = 'NoRuntimeError'
}

/** What is there to choose from: the first is the node's default. */
type Choices<R> = readonly [R, ...R[]] | readonly R[]

const asksForNoImage = (pod: Pod): boolean =>
  allContainers(pod).every(({ image = '' }) => image === '' || isOwnImage(image))

/**
 * `handler` is the one of the pod's RuntimeClass, if it has one. A pod that needs no image runs as processes, whatever the
 * default is. Throws `NoRuntimeError`.
 */
export const chooseRuntime = <R extends { readonly name: string; readonly hasHandlers?: boolean }>(
  runtimes: Choices<R>,
  pod: Pod,
  handler: string | undefined,
): R => {
  const named = (name: string): R | undefined => runtimes.find((each) => each.name === name)
  const chosen =
    handler !== undefined
      ? (named(handler) ?? runtimes.find(({ hasHandlers }) => hasHandlers))
      : ((asksForNoImage(pod) ? named('process') : undefined) ?? runtimes[0])
  if (chosen) return chosen
  throw new NoRuntimeError(
    `failed to get sandbox runtime: no runtime for ${JSON.stringify(handler)} is configured on this node`,
  )
}
