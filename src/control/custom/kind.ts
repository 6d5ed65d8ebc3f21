/** What a CustomResourceDefinition makes of the kind that it defines. Pure, but for a conversion that asks others. */
import { deepEqual } from '../../api/deep-equal.ts'
import { internalError } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../api/types/kubernetes/apiextensions-v1.ts'
import type { Kind } from '../registry/registry.ts'
import { isFreeForm } from '../resources/apiextensions/validation.ts'
import type { Conversion, OwnSchema, ResourceDefinition, ScaleView } from '../resources/definition.ts'
import { subdomainName } from '../resources/names.ts'
import { everyVerb } from '../resources/verbs.ts'
import { shapeOfSchema } from '../structural/apply-shape.ts'
import { createDecoder, createReader } from '../structural/decode.ts'
import { type JsonPath, parseJsonPath, valuesAt, withValueAt } from '../structural/json-path.ts'
import { readSchema, type Structural } from '../structural/schema.ts'
import { columnsOf } from './columns.ts'
import { errorsOf } from './validate.ts'
import { byVersion } from './version-order.ts'

/** Brings objects from the versions that they are in to another one, each in its place. Throws when that fails. */
export type ConvertObjects = (objects: readonly KubeObject[], apiVersion: string) => Promise<readonly KubeObject[]>

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const

/** Made when it is first asked for: most kinds of a cluster are seldom used. */
const lazy = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const ownSchema = (published: OwnSchema['published'], structural: () => Structural, kind: string): OwnSchema => {
  const decoder = lazy(() => createDecoder(structural(), kind))
  const shape = lazy(() => shapeOfSchema(structural(), true))
  return {
    published,
    decode: (body) => decoder()(body),
    get shape() {
      return shape()
    },
  }
}

/** Objects keep the version that they were written in: only a new name stands on them, or somebody is asked. */
const conversionTo = (
  versions: { readonly shown: string; readonly stored: string },
  read: (object: KubeObject) => KubeObject,
  convert: ConvertObjects | undefined,
): Conversion => {
  if (!convert) return { toStored: (object) => object, fromStored: read }
  const made = { shown: new WeakMap<KubeObject, KubeObject>(), stored: new WeakMap<KubeObject, KubeObject>() }
  const find = (object: KubeObject, form: 'shown' | 'stored'): KubeObject => {
    if (object.apiVersion === versions[form]) return object
    const found = made[form].get(object)
    if (!found) throw internalError(`${object.kind} ${object.metadata.name} was not converted to ${versions[form]}`)
    return found
  }
  return {
    toStored: (object) => find(object, 'stored'),
    fromStored: (object) => read(find(object, 'shown')),
    prepare: async (objects, form) => {
      const missing = objects.filter((each) => each.apiVersion !== versions[form] && !made[form].has(each))
      if (missing.length === 0) return
      const converted = await convert(missing, versions[form])
      for (const [at, object] of missing.entries()) {
        const result = converted[at]
        if (result) made[form].set(object, result)
      }
    },
  }
}

const numberAt = (object: KubeObject, path: JsonPath): number => {
  const [value] = valuesAt(object, path)
  return typeof value === 'number' ? value : 0
}

const scaleOf = (
  version: CustomResourceDefinitionVersion,
  kept: CustomResourceDefinitionVersion,
  read: (object: KubeObject) => KubeObject,
): Pick<ResourceDefinition, 'scale'> => {
  const scale = version.subresources?.scale
  if (!scale) return {}
  const spec = parseJsonPath(scale.specReplicasPath) ?? []
  const status = parseJsonPath(scale.statusReplicasPath) ?? []
  const selector = scale.labelSelectorPath ? parseJsonPath(scale.labelSelectorPath) : undefined
  const keptSpec = parseJsonPath(kept.subresources?.scale?.specReplicasPath ?? scale.specReplicasPath) ?? []
  return {
    scale: {
      view: (object): ScaleView => {
        const shown = read(object)
        const [text] = selector ? valuesAt(shown, selector) : []
        return {
          replicas: numberAt(shown, spec),
          observed: numberAt(shown, status),
          selector: typeof text === 'string' ? text : '',
        }
      },
      withReplicas: (object, replicas) => withValueAt(object, keptSpec, replicas) as KubeObject,
    },
  }
}

const textOf = (value: unknown): string => (value === undefined || value === null ? '' : String(value))

const fieldsOf = (
  { selectableFields = [] }: CustomResourceDefinitionVersion,
  read: (object: KubeObject) => KubeObject,
): Pick<ResourceDefinition, 'fields'> => ({
  fields: Object.fromEntries(
    selectableFields.map(({ jsonPath }) => {
      const path = parseJsonPath(jsonPath) ?? []
      return [jsonPath.replace(/^\./, ''), (object: KubeObject) => textOf(valuesAt(read(object), path)[0])]
    }),
  ),
})

const deprecation = (
  version: CustomResourceDefinitionVersion,
  group: string,
  kind: string,
): Pick<ResourceDefinition, 'deprecation'> =>
  version.deprecated
    ? { deprecation: version.deprecationWarning ?? `${group}/${version.name} ${kind} is deprecated` }
    : {}

/** What the kind is in all its versions. Once it is being deleted, nothing new comes into it. */
const commonRow = ({ metadata, spec, status }: CustomResourceDefinition) => {
  const { plural, singular = '', kind, listKind, shortNames, categories } = status.acceptedNames
  return {
    group: spec.group,
    ...{ plural, singular, kind },
    ...(listKind ? { listKind } : {}),
    ...(shortNames ? { shortNames } : {}),
    ...(categories ? { categories } : {}),
    namespaced: spec.scope === 'Namespaced',
    nameRule: subdomainName,
    generation: true,
    custom: true,
    ...(metadata.deletionTimestamp === undefined ? {} : { verbs: everyVerb.filter((verb) => verb !== 'create') }),
  }
}

const versionRow = (
  definition: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  kept: CustomResourceDefinitionVersion,
  convert: ConvertObjects | undefined,
): ResourceDefinition => {
  const { spec } = definition
  const { group } = spec
  const { kind } = definition.status.acceptedNames
  const published = isFreeForm(spec) ? anything : { ...(version.schema?.openAPIV3Schema ?? anything) }
  const structural = lazy(() => readSchema(published))
  const reader = lazy(() => createReader(structural()))
  const versions = { shown: `${group}/${version.name}`, stored: `${group}/${kept.name}` }
  const conversion = conversionTo(versions, (object) => reader()(object), convert)
  const read = conversion.fromStored
  const common = commonRow(definition)
  const schema = ownSchema(published, structural, kind)
  // Errors of a kind whose versions differ are those of the version that is kept: that is what is checked.
  const checked =
    convert && version !== kept ? lazy(() => readSchema(kept.schema?.openAPIV3Schema ?? anything)) : structural
  const row: ResourceDefinition = {
    ...common,
    version: version.name,
    schema,
    ...(version.subresources?.status ? { status: 'separate' as const } : {}),
    ...scaleOf(version, kept, read),
    ...fieldsOf(version, read),
    ...deprecation(version, group, kind),
    columns: columnsOf(version.additionalPrinterColumns, read),
    validate: (object, old) => errorsOf(checked(), object, old),
  }
  // What is kept has no version of its own to be shown in: every version, this one too, reads it by its schema.
  const stored: ResourceDefinition = { ...common, version: kept.name, schema, columns: [] }
  return { ...row, stored: { row: stored, convert: conversion } }
}

const isTrue = ({ status }: CustomResourceDefinition, type: string): boolean =>
  status.conditions.some((each) => each.type === type && each.status === 'True')

/** Whether two states of a definition define the same kind. */
export const isSameKind = (a: CustomResourceDefinition, b: CustomResourceDefinition): boolean =>
  isTrue(a, 'Established') === isTrue(b, 'Established') &&
  (a.metadata.deletionTimestamp === undefined) === (b.metadata.deletionTimestamp === undefined) &&
  deepEqual(a.spec, b.spec) &&
  deepEqual(a.status.acceptedNames, b.status.acceptedNames)

/** Undefined while the definition has not got its names. */
export const kindOfDefinition = (
  definition: CustomResourceDefinition,
  convert: ConvertObjects | undefined,
): Kind | undefined => {
  const { metadata, spec } = definition
  const kept = spec.versions.find(({ storage }) => storage)
  if (!isTrue(definition, 'Established') || !kept) return undefined
  // Objects of a kind that nobody can ask for any more have to be found to be deleted with it.
  const served = spec.versions.filter(
    (version) => version.served || (version === kept && metadata.deletionTimestamp !== undefined),
  )
  const rows = served
    .toSorted((a, b) => byVersion(a.name, b.name))
    .map((version) =>
      versionRow(definition, version, kept, spec.conversion?.strategy === 'Webhook' ? convert : undefined),
    )
  const row = rows.find(({ version }) => version === kept.name) ?? rows[0]
  return row && { row, served: rows }
}
