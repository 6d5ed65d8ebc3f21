import type { Resource } from '../../api/resources.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { Store } from './store.ts'

export const bucketOfResource = ({ group, plural }: Pick<Resource, 'group' | 'plural'>): string =>
  group === '' ? plural : `${plural}.${group}`

/** Shows every object of a kind that is there, and every change from then on; undefined for one that is gone. */
export const follow = <T extends KubeObject>(
  store: Store,
  resource: Pick<Resource<T>, 'group' | 'plural' | 'object'>,
  see: (key: string, object: T | undefined) => void,
): void => {
  const bucket = bucketOfResource(resource)
  const { revision, entries } = store.list(bucket)
  for (const { key, object } of entries) see(key.name, object as T)
  store.watch(bucket, revision, ({ key, object, removed }) => see(key.name, removed ? undefined : (object as T)))
}
