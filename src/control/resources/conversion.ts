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
  const rename = (object: KubeObject, by: ReadonlyMap<string, string>): KubeObject => ({
    ...object,
    ...Object.fromEntries([...by.keys()].map((name) => [name, undefined])),
    ...Object.fromEntries(
      Object.entries(object)
        .filter(([name, value]) => by.has(name) && value !== '')
        .map(([name, value]) => [by.get(name), value]),
    ),
  })
  return {
    toStored: (object) => rename(object, kept),
    fromStored: (object) => rename(object, shown),
  }
}
