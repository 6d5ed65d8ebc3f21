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
  isMap = false,
): readonly TextPlace[] => {
  switch (of.kind) {
    case 'scalar':
      return texts.includes(of.scalar) || isMap ? [{ ...about, path, isMap, scalar: of.scalar }] : []
    case 'object':
      return textPlaces(of.type, path)
    case 'list':
      return within(of.of, about, [...path, 0])
    case 'map':
      return within(of.of, about, path, true)
  }
}

export const textPlaces = (type: string, path: TextPlace['path'] = []): readonly TextPlace[] =>
  [...fieldsOf(type)].flatMap(([field, { type: of }]) => within(of, { type, field }, [...path, field]))

/** `spec.containers[0].image` */
export const pathText = (path: TextPlace['path']): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${part}` : part),
    '',
  )
