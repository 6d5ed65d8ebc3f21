/** Building blocks of conversions between what a version shows and what is kept. */
import type { KubeObject } from '../../api/types/index.ts'
import type { Conversion } from './definition.ts'

interface TypedConversion<Shown extends KubeObject, Kept extends KubeObject> {
  readonly toStored: (object: Shown) => Kept
  readonly fromStored: (object: Kept) => Shown
  readonly shownField?: (path: string) => string
}

/** Erases the types: both sides have been decoded by the schema, whose word is taken. */
export const conversion = <Shown extends KubeObject, Kept extends KubeObject>(
  typed: TypedConversion<Shown, Kept>,
): Conversion => typed as unknown as Conversion

/** Fields of an object that the version calls by other names: the name as it is kept, then as it is shown. */
export const renamed = (names: Readonly<Record<string, string>>): Pick<Conversion, 'toStored' | 'fromStored'> => {
  const kept = new Map(Object.entries(names).map(([name, shown]) => [shown, name]))
  const shown = new Map(Object.entries(names))
  /** Under its other name alone: what is left behind, even as undefined, is a field that the other version does not know. */
  const rename = (object: KubeObject, by: ReadonlyMap<string, string>): KubeObject => {
    const { apiVersion, kind, metadata, ...rest } = object
    const fields = Object.entries(rest).flatMap(([name, value]) => {
      const other = by.get(name)
      if (other === undefined) return [[name, value] as const]
      return value === '' ? [] : [[other, value] as const]
    })
    return { apiVersion, kind, metadata, ...Object.fromEntries(fields) }
  }
  return {
    toStored: (object) => rename(object, kept),
    fromStored: (object) => rename(object, shown),
  }
}
