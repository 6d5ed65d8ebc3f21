/** The kinds of the CustomResourceDefinitions that are kept, as they come and go. */
import type { KubeObject } from '../../api/types/index.ts'
import type { CustomResourceDefinition } from '../../api/types/kubernetes/apiextensions-v1.ts'
import { builtInKinds, type Kind, type KindSource } from '../registry/registry.ts'
import { customResourceDefinition } from '../resources/apiextensions/custom-resource-definition.ts'
import { bucketOf } from '../resources/definition.ts'
import type { Store } from '../storage/store.ts'
import { type ConvertObjects, isSameKind, kindOfDefinition } from './kind.ts'

interface Known {
  readonly definition: CustomResourceDefinition
  readonly kind: Kind | undefined
}

/** A definition of a kind that every server has is kept, and changes nothing of the kind. */
const builtIn = new Set(builtInKinds.kinds.map(({ row }) => bucketOf(row)))

/** `converterOf`: who converts objects of a definition whose versions differ. */
export const createCustomKinds = (
  store: Store,
  converterOf: (definition: CustomResourceDefinition) => ConvertObjects | undefined,
): KindSource => {
  const bucket = bucketOf(customResourceDefinition)
  const known = new Map<string, Known>()
  const listeners = new Set<() => void>()
  let kinds: readonly Kind[] = []

  /** Whether anything became of it. */
  const put = (object: KubeObject, removed: boolean): boolean => {
    const { name } = object.metadata
    const before = known.get(name)
    if (removed || builtIn.has(name)) return known.delete(name) && before?.kind !== undefined
    // What is kept as a CustomResourceDefinition has been read and checked as one.
    const definition = object as CustomResourceDefinition
    if (before && isSameKind(before.definition, definition)) return false
    const kind = kindOfDefinition(definition, converterOf(definition))
    known.set(name, { definition, kind })
    return kind !== undefined || before?.kind !== undefined
  }

  const update = (): void => {
    kinds = [...known.keys()].sort().flatMap((name) => known.get(name)?.kind ?? [])
  }

  const { entries, revision } = store.list(bucket)
  for (const { object } of entries) put(object, false)
  update()
  store.watch(bucket, revision, ({ object, removed }) => {
    if (!put(object, removed)) return
    update()
    for (const listener of [...listeners]) listener()
  })

  return {
    get kinds() {
      return kinds
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
