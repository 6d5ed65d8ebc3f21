/** The versions of a kind as server-side apply sees them: who wrote another one manages what they wrote of it. */
import type { Form, FormOf } from '../apply/managers.ts'
import {
  apiVersionOf,
  inAllVersions,
  inVersion,
  kindOf,
  type ResourceDefinition,
  shapeOfKind,
  toStored,
} from './definition.ts'

const rowsOf = new WeakMap<ResourceDefinition, ReadonlyMap<string, ResourceDefinition>>()

const rowsByVersion = (kind: ResourceDefinition): ReadonlyMap<string, ResourceDefinition> => {
  const known = rowsOf.get(kind) ?? new Map(inAllVersions(kind).map((row) => [apiVersionOf(row), row]))
  rowsOf.set(kind, known)
  return known
}

/** Fields of one name are one field in all versions. */
const sameEverywhere = (row: ResourceDefinition): FormOf => {
  const form: Form = { shape: shapeOfKind(row), from: (object) => object, to: (object) => object }
  return () => form
}

/** From objects as they are kept. */
export const formsOfStored = (row: ResourceDefinition): FormOf => {
  const kind = kindOf(row)
  // Versions of users' kinds may be converted by somebody who would have to be asked.
  if (row.schema) return sameEverywhere(kind)
  return (apiVersion) => {
    const own = rowsByVersion(kind).get(apiVersion)
    return (
      own && {
        shape: shapeOfKind(own),
        from: (object) => inVersion(own, object),
        to: (object) => toStored(own, object),
      }
    )
  }
}

/** From objects as a row shows them. */
export const formsOfShown = (row: ResourceDefinition): FormOf => {
  if (row.schema) return sameEverywhere(row)
  const own = apiVersionOf(row)
  const stored = formsOfStored(row)
  return (apiVersion) => {
    if (apiVersion === own) return { shape: shapeOfKind(row), from: (object) => object, to: (object) => object }
    const form = stored(apiVersion)
    return (
      form && {
        shape: form.shape,
        from: (object) => form.from(toStored(row, object)),
        to: (object) => inVersion(row, form.to(object)),
      }
    )
  }
}
