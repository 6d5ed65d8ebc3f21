/** Every place in an object where the schema has a text. */
import { type FieldType, fieldsOf } from '../../src/control/schema/types.ts'

export interface TextPlace {
  /** The type and field that have it: `ContainerPort.hostIP`. */
  readonly type: string
  readonly field: string
  /** From the root of the object: names, and 0 for the first item of a list. */
  readonly path: readonly (string | number)[]
  readonly isMap: boolean
  readonly scalar: string
}

const texts: readonly string[] = ['string', 'intOrString', 'any']

const within = (
  of: FieldType,
  about: Pick<TextPlace, 'type' | 'field'>,
  path: TextPlace['path'],
  inside: readonly string[],
  isMap = false,
): readonly TextPlace[] => {
  switch (of.kind) {
    case 'scalar':
      return texts.includes(of.scalar) || isMap ? [{ ...about, path, isMap, scalar: of.scalar }] : []
    case 'object':
      // A type within itself has the same texts again.
      return inside.includes(of.type) ? [] : textPlaces(of.type, path, inside)
    case 'list':
      return within(of.of, about, [...path, 0], inside)
    case 'map':
      return within(of.of, about, path, inside, true)
  }
}

export const textPlaces = (
  type: string,
  path: TextPlace['path'] = [],
  inside: readonly string[] = [],
): readonly TextPlace[] =>
  [...fieldsOf(type)].flatMap(([field, { type: of }]) =>
    within(of, { type, field }, [...path, field], [...inside, type]),
  )

/** `spec.containers[0].image` */
export const pathText = (path: TextPlace['path']): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${part}` : part),
    '',
  )
