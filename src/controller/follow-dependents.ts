/** Whom the change of an object concerns: the owner that manages it, the one that did, and whoever may adopt it. */
import type { Informer } from '../api/informer.ts'
import { objectKey } from '../api/resources.ts'
import type { LabelMatcher } from '../api/selectors.ts'
import type { KubeObject } from '../api/types/index.ts'
import { controllerOf } from './ownership.ts'

export interface Followed<O extends KubeObject, T extends KubeObject> {
  readonly owners: Informer<O>
  readonly dependents: Informer<T>
  matcherOf(owner: O): LabelMatcher
}

/** Calls `add` with the owner's key for every change. */
export const followDependents = <O extends KubeObject, T extends KubeObject>(
  { owners, dependents, matcherOf }: Followed<O, T>,
  add: (key: string) => void,
): void => {
  const concern = (object: T): void => {
    const { namespace = '', labels } = object.metadata
    const controller = controllerOf(object)
    const candidates = controller
      ? owners.by('uid', controller.uid)
      : owners.by('namespace', namespace).filter((owner) => matcherOf(owner)(labels))
    for (const owner of candidates) add(objectKey(owner))
  }
  dependents.onChange((_key, current, previous) => {
    if (current) concern(current)
    if (previous && controllerOf(previous)?.uid !== (current && controllerOf(current)?.uid)) concern(previous)
  })
}
