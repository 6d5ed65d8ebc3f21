/** The webhooks of all configurations of a kind, in their order, as the store has them now. */
import type { KubeObject } from '../../api/types/index.ts'
import { bucketOf, type ResourceDefinition } from '../resources/definition.ts'
import type { Store } from '../storage/store.ts'
import type { Webhook } from './admission-review.ts'

type Configuration = KubeObject & { readonly webhooks?: readonly Webhook[] }

/** What is kept of a kind, put together anew when any of it changes. */
export const followed = <T>(
  store: Store,
  definition: ResourceDefinition,
  make: (objects: readonly KubeObject[]) => T,
): (() => T) => {
  const bucket = bucketOf(definition)
  let made: { readonly value: T } | undefined
  store.watch(bucket, store.revision, () => {
    made = undefined
  })
  return () => {
    // Those of a bucket are sorted by name.
    made ??= { value: make(store.list(bucket).entries.map(({ object }) => object)) }
    return made.value
  }
}

export const webhooksOf = (store: Store, definition: ResourceDefinition): (() => readonly Webhook[]) =>
  followed(store, definition, (objects) =>
    objects.flatMap((object) => {
      const { webhooks = [], metadata } = object as Configuration
      return metadata.deletionTimestamp === undefined ? webhooks : []
    }),
  )
