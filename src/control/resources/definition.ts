/** What the server knows of a kind. Each kind is one such row; everything generic reads from it. */
import type { FieldError } from '../../api/errors.ts'
import type { Integer } from '../../api/json.ts'
import type { KubeObject, ObjectMeta } from '../../api/types/index.ts'
import { type Shape, shapeOf } from '../apply/shape.ts'
import { type Decoded, decode } from '../schema/decode.ts'
import { hasType, schemaGroupOf } from '../schema/types.ts'
import { deprecationOf } from './deprecations.ts'
import type { Subresource, Verb } from './verbs.ts'

export type Cell = string | Integer | boolean | null

/** A column of `kubectl get`. Priority 1 is shown with `-o wide` only. */
export interface Column<T extends KubeObject = KubeObject> {
  readonly name: string
  /** `string`, `integer`, `number`, `boolean` or `date`. */
  readonly type: string
  readonly format?: string
  readonly priority: number
  readonly description: string
  readonly cell: (object: T, now: number) => Cell
}

/** Where `kubectl scale` finds its numbers. `selector` is in the text form. */
export interface ScaleView {
  readonly replicas: number
  readonly observed: number
  readonly selector: string
}

/** Between what a version shows and what is kept. Both ways are pure, and nothing is lost on the way and back. */
export interface Conversion {
  /** Also fills what the version has other defaults for. */
  readonly toStored: (object: KubeObject) => KubeObject
  readonly fromStored: (object: KubeObject) => KubeObject
  /** Where the version shows what is kept at a path: what errors name. Missing: at the same place. */
  readonly shownField?: (path: string) => string
  /** For a conversion that takes its time: what is to be shown or stored of these is ready once it resolves. */
  readonly prepare?: (objects: readonly KubeObject[], form: 'shown' | 'stored') => Promise<void>
}

export interface Stored {
  /** The kind's own row. */
  readonly row: ResourceDefinition
  /** Missing: only the apiVersion differs. */
  readonly convert?: Conversion
}

/** What a version may have otherwise than the kind's own row. It sees objects as they are kept. */
type OwnRules<T extends KubeObject> = Partial<
  Pick<ResourceDefinition<T>, 'columns' | 'fields' | 'validate' | 'validateCreate' | 'validateUpdate'>
>

/** A version beside the one in which objects are kept; what is missing is as there. */
export interface OtherVersion<T extends KubeObject> extends OwnRules<T> {
  readonly version: string
  readonly group?: string
  /** The name of its type in the schema; missing: that of its group, version and kind, or the stored version's. */
  readonly schemaType?: string
  readonly convert?: Conversion
  readonly orphans?: Orphans
}

/** The schema of a kind that brings its own: pure functions of it. */
export interface OwnSchema {
  /** As `decode` of the schema's types. Throws BadRequest. */
  readonly decode: (body: unknown) => Decoded
  readonly shape: Shape
  /** As OpenAPI publishes it: `metadata` and the like included, and with extensions. */
  readonly published: Readonly<Record<string, unknown>>
}

/** What it owns outlives an object whose deletion does not say otherwise. */
export interface Orphans {
  /** What such a deletion is told. */
  readonly warning?: string
}

/** A part of an object that a subresource of its own writes, as `status` does its. */
export interface OwnPart<T extends KubeObject = KubeObject> {
  /** `old` with that part of `given`. */
  readonly take: (given: T, old: T) => T
  /** What is wrong with the change; called beside `validate`. */
  readonly validate: (object: T, old: T) => readonly FieldError[]
}

export type MetadataPart = 'labels' | 'annotations' | 'finalizers' | 'ownerReferences'

export interface ResourceDefinition<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** More versions in which it is served. */
  readonly otherVersions?: readonly OtherVersion<T>[]
  /** In a row for one of those: how its objects are kept. */
  readonly stored?: Stored
  readonly plural: string
  readonly singular: string
  readonly kind: string
  /** Missing: the kind's name with `List` behind it. */
  readonly listKind?: string
  readonly namespaced: boolean
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  /** The name of its type in the schema, when it is not that of its group, version and kind. */
  readonly schemaType?: string
  /** In place of a type of the schema. */
  readonly schema?: OwnSchema
  readonly columns: readonly Column<T>[]
  /** How names of this kind are checked. */
  readonly nameRule: NameRule
  /** Has a status that only the `status` subresource writes. `onCreate`: a new object may bring one along. */
  readonly status?: 'separate' | 'onCreate'
  /**
   * What of the metadata the `status` subresource leaves as it is; the rest is written with the status, as in Kubernetes.
   * Custom kinds keep all of it.
   */
  readonly statusKeeps?: readonly MetadataPart[] | 'all'
  /** `metadata.generation` counts the changes of everything but metadata and status; or of the annotations, too. */
  readonly generation?: boolean | 'withAnnotations'
  /** By the subresources that write them. */
  readonly parts?: Readonly<Record<string, OwnPart<T>>>
  readonly scale?: {
    readonly view: (object: T) => ScaleView
    readonly withReplicas: (object: T, replicas: number) => T
  }
  /** What whoever asks for it in this version should know. */
  readonly deprecation?: string
  /** Only while no APIService leads to a server of the users' own. */
  readonly givesWay?: boolean
  /** What can be done with it; everything, when missing. */
  readonly verbs?: readonly Verb[]
  /** Subresources beside `status` and `scale`, with the verbs they know; their handlers are the server's. */
  readonly subresources?: readonly Subresource[]
  /** Fields that field selectors may name, beside metadata.name and metadata.namespace. */
  readonly fields?: Readonly<Record<string, (object: T) => string>>
  /** Made by a CustomResourceDefinition: no strategic merge patches. */
  readonly custom?: boolean
  /** Another API server answers for it: known is only what there is of it. */
  readonly remote?: boolean
  /** A PUT to a name that is not there creates it. */
  readonly createOnUpdate?: boolean
  /** A PUT must say which resourceVersion it replaces. */
  readonly updateNeedsVersion?: boolean
  /** Fills what the user left out. Pure, and the same again when done twice. */
  readonly defaults?: (object: T) => T
  /** Everything wrong with the object, defaults filled. `old`: what an update replaces. */
  readonly validate?: (object: T, old?: T) => readonly FieldError[]
  /** What is wrong with a new object only; called beside `validate`. */
  readonly validateCreate?: (object: T) => readonly FieldError[]
  /** What is wrong with the change; called beside `validate`. */
  readonly validateUpdate?: (object: T, old: T) => readonly FieldError[]
  /** What whoever writes such an object should know of it. */
  readonly warnings?: (object: T) => readonly string[]
  /** What a status without it means: of one that is written by its own way. */
  readonly statusDefaults?: (object: T, old: T, time: string) => T
  /** Carries over what a client may leave out of a PUT without meaning to remove it. */
  readonly adopt?: (object: T, old: T) => T
  /** Gives a new object what it starts with, its status above all. */
  readonly onCreate?: (object: T) => T
  /** Seconds until a deleted object goes; it is kept with a deletionTimestamp until then. Missing: goes at once. */
  readonly gracePeriod?: (object: T, asked: number | undefined) => number
  /** Keeps a deleted object until this is false, beside its finalizers. */
  readonly isHeld?: (object: T) => boolean
  /** What else changes when the deletion of an object starts that is not gone at once. */
  readonly onDeletion?: (object: T) => T
  readonly orphans?: Orphans
}

export interface NameRule {
  /** The message when the name is not acceptable, or undefined. */
  readonly check: (name: string) => string | undefined
}

/** Erases the kind's own type: from here on it is handled as any other. The one place that takes the schema's word. */
export const define = <T extends KubeObject>(definition: ResourceDefinition<T>): ResourceDefinition =>
  definition as unknown as ResourceDefinition

/** The row of the version in which objects are kept: one for all versions of a kind. */
export const kindOf = (definition: ResourceDefinition): ResourceDefinition => definition.stored?.row ?? definition

/** `pods`, `deployments.apps`: the store's bucket. */
export const bucketOf = (definition: ResourceDefinition): string => {
  const { plural, group } = kindOf(definition)
  return group === '' ? plural : `${plural}.${group}`
}

export const listKindOf = ({ kind, listKind = `${kind}List` }: ResourceDefinition): string => listKind

export const apiVersionOf = (definition: ResourceDefinition): string =>
  definition.group === '' ? definition.version : `${definition.group}/${definition.version}`

/** The apiVersion that objects have in the store. */
export const storedVersionOf = (definition: ResourceDefinition): string => apiVersionOf(kindOf(definition))

const convert = (definition: ResourceDefinition, object: KubeObject): KubeObject => {
  const shown = definition.stored?.convert?.fromStored(object) ?? object
  const apiVersion = apiVersionOf(definition)
  return shown.apiVersion === apiVersion ? shown : { ...shown, apiVersion }
}

const converted = new WeakMap<ResourceDefinition, WeakMap<KubeObject, KubeObject>>()

/** A stored object in the version of the row through which it is asked for; the same object each time. */
export const inVersion = (definition: ResourceDefinition, object: KubeObject): KubeObject => {
  if (!definition.stored && !definition.otherVersions) return object
  const known = converted.get(definition) ?? new WeakMap<KubeObject, KubeObject>()
  if (!converted.has(definition)) converted.set(definition, known)
  const shown = known.get(object) ?? convert(definition, object)
  known.set(object, shown)
  return shown
}

/** Until it resolves, objects of the row may not be ready to be shown or stored in their other form. */
export const prepared = async (
  definition: ResourceDefinition,
  objects: readonly KubeObject[],
  form: 'shown' | 'stored',
): Promise<void> => {
  await definition.stored?.convert?.prepare?.(objects, form)
}

/** The inverse: what a client sent through that row, as it is kept. */
export const toStored = (definition: ResourceDefinition, object: KubeObject): KubeObject =>
  definition.stored?.convert?.toStored(object) ?? object

/** The row itself and one for each other version. */
export const inAllVersions = (definition: ResourceDefinition): readonly ResourceDefinition[] => {
  const { otherVersions = [], orphans: _, ...row } = definition
  return [
    definition,
    ...otherVersions.map(({ convert, ...version }) => {
      const shown = { ...row, ...version }
      const ownType = `${schemaGroupOf(shown.group, shown.version)}.${row.kind}`
      const deprecation = deprecationOf(apiVersionOf(shown), row.kind)
      return {
        ...shown,
        ...(deprecation === undefined ? {} : { deprecation }),
        schemaType: version.schemaType ?? (hasType(ownType) ? ownType : schemaTypeOf(row)),
        stored: { row: definition, ...(convert ? { convert } : {}) },
      }
    }),
  ]
}

export const schemaTypeOf = ({ schemaType, group, version, kind }: ResourceDefinition): string =>
  schemaType ?? `${schemaGroupOf(group, version)}.${kind}`

export const shapeOfKind = (definition: ResourceDefinition): Shape =>
  definition.schema?.shape ?? shapeOf(schemaTypeOf(definition))

/** A body as an object of the kind. Throws BadRequest. */
export const decodeAs = (definition: ResourceDefinition, body: unknown): Decoded =>
  definition.schema?.decode(body) ?? decode(body, definition.kind, schemaTypeOf(definition))

/** A copy with some metadata replaced. */
export const withMetadata = <T extends KubeObject>(object: T, metadata: Partial<ObjectMeta>): T => ({
  ...object,
  metadata: { ...object.metadata, ...metadata },
})
