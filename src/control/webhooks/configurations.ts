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

/** A webhook, and in which configuration it stands. */
export interface Configured {
  readonly webhook: Webhook
  readonly configuration: string
}

export const webhooksOf = (store: Store, definition: ResourceDefinition): (() => readonly Configured[]) =>
  followed(store, definition, (objects) =>
    objects.flatMap((object) => {
      const { webhooks = [], metadata } = object as Configuration
      if (metadata.deletionTimestamp !== undefined) return []
      return webhooks.map((webhook) => ({ webhook, configuration: metadata.name }))
    }),
  )
