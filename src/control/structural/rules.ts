/**
 * What is wrong with a schema of a CustomResourceDefinition itself: that it is no OpenAPI v3 schema as Kubernetes takes it, or
 * not structural, so that nobody could tell which fields there are. `path` is where the schema stands. Pure.
 */
import { deepEqual } from '../../api/deep-equal.ts'
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from '../../api/errors.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { patternError } from '../cel/functions/pattern.ts'
import { isJsonType, metaFields } from './schema.ts'

type Errors = readonly FieldError[]

/** Where a schema stands within another one. */
interface Within {
  readonly level: 'root' | 'item' | 'field'
  /** Within the metadata of an object. */
  readonly isMeta: boolean
  /** Why there can be no default. */
  readonly noDefault: string | undefined
}

const childrenOf = (value: unknown): readonly (readonly [string, JsonObject])[] =>
  isJsonObject(value)
    ? Object.entries(value).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1]))
    : []

const listOf = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : [])
const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []

const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const
const jsonTypes = ['array', 'boolean', 'integer', 'number', 'object', 'string']

const isSet = (value: unknown): boolean => value !== undefined && value !== '' && value !== null

const scalarRules = (schema: JsonObject, path: string): Errors => {
  const { type } = schema
  const pattern = typeof schema['pattern'] === 'string' ? patternError(schema['pattern']) : undefined
  return [
    ...(type === 'null'
      ? [forbiddenField(`${path}.type`, 'type cannot be set to null, use nullable as an alternative')]
      : isSet(type) && !isJsonType(type)
        ? [notSupported(`${path}.type`, type, jsonTypes)]
        : []),
    ...unsupported.flatMap((name) =>
      isSet(schema[name]) ? [forbiddenField(`${path}.${name}`, `${name} is not supported`)] : [],
    ),
    ...(schema['uniqueItems'] === true
      ? [
          forbiddenField(
            `${path}.uniqueItems`,
            'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
          ),
        ]
      : []),
    ...(Array.isArray(schema['items'])
      ? [forbiddenField(`${path}.items`, 'items must be a schema object and not an array')]
      : []),
    ...(pattern === undefined
      ? []
      : [
          invalidValue(
            `${path}.pattern`,
            schema['pattern'],
            `must be a valid regular expression, but isn't: ${pattern}`,
          ),
        ]),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === false
      ? [invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined')]
      : []),
  ]
}

const needsType = (schema: JsonObject, path: string, wanted: string, by: string): Errors => {
  if (schema['type'] === wanted) return []
  const detail = `must be ${wanted} if ${by}`
  return [
    isSet(schema['type']) ? invalidValue(`${path}.type`, schema['type'], detail) : required(`${path}.type`, detail),
  ]
}

const mapTypeRules = (schema: JsonObject, path: string): Errors => {
  const mapType = schema['x-kubernetes-map-type']
  if (mapType === undefined) return []
  return [
    ...needsType(schema, path, 'object', 'x-kubernetes-map-type is specified'),
    ...(mapType === 'atomic' || mapType === 'granular'
      ? []
      : [notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular'])]),
  ]
}

const isAtomicItem = (items: JsonObject): boolean => {
  if (items['type'] === 'object') return items['x-kubernetes-map-type'] === 'atomic'
  if (items['type'] === 'array') return (items['x-kubernetes-list-type'] ?? 'atomic') === 'atomic'
  return true
}

const setRules = (items: JsonObject, path: string): Errors => [
  ...(isAtomicItem(items)
    ? []
    : [
        items['type'] === 'object'
          ? invalidValue(
              `${path}.items.x-kubernetes-map-type`,
              items['x-kubernetes-map-type'] ?? null,
              'must be atomic as item of a list with x-kubernetes-list-type=set',
            )
          : invalidValue(
              `${path}.items.x-kubernetes-list-type`,
              items['x-kubernetes-list-type'] ?? null,
              'must be atomic as item of a list with x-kubernetes-list-type=set',
            ),
      ]),
]

const keyRules = (items: JsonObject, keys: readonly string[], path: string): Errors => {
  const properties = isJsonObject(items['properties']) ? items['properties'] : {}
  const wanted = textsOf(items['required'])
  const field = `${path}.x-kubernetes-list-map-keys`
  return keys.flatMap((key, at) => {
    const property = properties[key]
    const place = `${path}.items.properties[${key}]`
    const repeated = keys.indexOf(key) < at ? [invalidValue(field, keys, 'must not contain duplicate entries')] : []
    if (!isJsonObject(property))
      return [invalidValue(field, keys, 'entries must all be names of item properties'), ...repeated]
    return [
      ...(property['type'] === 'array' || property['type'] === 'object'
        ? [
            invalidValue(
              `${place}.type`,
              property['type'],
              "must be a scalar type if parent array's x-kubernetes-list-type is map",
            ),
          ]
        : []),
      ...(wanted.includes(key) || property['default'] !== undefined
        ? []
        : [
            required(
              `${place}.default`,
              'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
            ),
          ]),
      ...(property['nullable'] === true
        ? [
            forbiddenField(
              `${place}.nullable`,
              'this property is in x-kubernetes-list-map-keys, so it cannot be nullable',
            ),
          ]
        : []),
      ...repeated,
    ]
  })
}

const mapRules = (schema: JsonObject, keys: readonly string[], path: string): Errors => {
  const { items } = schema
  return [
    ...(keys.length === 0
      ? [required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map')]
      : []),
    ...(items === undefined ? [required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')] : []),
    ...(isJsonObject(items) && items['type'] !== 'object'
      ? [
          invalidValue(
            `${path}.items.type`,
            items['type'] ?? '',
            "must be object if parent array's x-kubernetes-list-type is map",
          ),
        ]
      : []),
    ...(isJsonObject(items) && items['type'] === 'object' ? keyRules(items, keys, path) : []),
  ]
}

const listTypes = ['atomic', 'map', 'set']

const listTypeRules = (schema: JsonObject, path: string): Errors => {
  const listType = schema['x-kubernetes-list-type']
  const keys = textsOf(schema['x-kubernetes-list-map-keys'])
  const field = `${path}.x-kubernetes-list-type`
  const { items } = schema
  const isKeyed = keys.length > 0 && listType !== 'map'
  return [
    ...(isKeyed
      ? [
          listType === undefined
            ? required(field, 'must be map if x-kubernetes-list-map-keys is non-empty')
            : invalidValue(field, listType, 'must be map if x-kubernetes-list-map-keys is non-empty'),
        ]
      : []),
    ...(listType === undefined ? [] : needsType(schema, path, 'array', 'x-kubernetes-list-type is specified')),
    ...(listType === undefined || listTypes.includes(String(listType))
      ? []
      : [notSupported(field, listType, listTypes)]),
    ...(listType === 'set' && isJsonObject(items) ? setRules(items, path) : []),
    ...(listType === 'map' ? mapRules(schema, keys, path) : []),
    ...((listType === 'set' || listType === 'map') && isJsonObject(items) && items['nullable'] === true
      ? [forbiddenField(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`)]
      : []),
  ]
}

const intOrString = [{ type: 'integer' }, { type: 'string' }]

const typeRules = (schema: JsonObject, path: string, { level }: Within): Errors => {
  const type = schema['type']
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true
  const isOpen =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true
  const places = {
    root: 'must not be empty at the root',
    item: 'must not be empty for specified array items',
    field: 'must not be empty for specified object fields',
  }
  return [
    ...(isEmbedded
      ? needsType(schema, path, 'object', 'x-kubernetes-embedded-resource is true')
      : isSet(type) || isOpen
        ? []
        : [required(`${path}.type`, places[level])]),
    ...(level === 'root' && isSet(type) && type !== 'object'
      ? [invalidValue(`${path}.type`, type, 'must be object at the root')]
      : []),
    ...(type === 'array' && schema['items'] === undefined ? [required(`${path}.items`, 'must be specified')] : []),
  ]
}

const openRules = (schema: JsonObject, path: string, { level, isMeta }: Within): Errors => {
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true
  const isFree = schema['x-kubernetes-preserve-unknown-fields'] === true
  const isEither = schema['x-kubernetes-int-or-string'] === true
  const { additionalProperties } = schema
  const hasProperties = childrenOf(schema['properties']).length > 0
  const closed = (name: string): FieldError =>
    invalidValue(`${path}.${name}`, true, 'must be false if x-kubernetes-int-or-string is true')
  return [
    ...(isEither && isFree ? [closed('x-kubernetes-preserve-unknown-fields')] : []),
    ...(isEither && isEmbedded ? [closed('x-kubernetes-embedded-resource')] : []),
    ...(level === 'root' && additionalProperties !== undefined
      ? [forbiddenField(`${path}.additionalProperties`, 'must not be used at the root')]
      : []),
    ...(isEmbedded && additionalProperties !== undefined
      ? [forbiddenField(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set')]
      : []),
    ...(hasProperties && additionalProperties !== undefined && additionalProperties !== true
      ? [forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive')]
      : []),
    ...(isEmbedded && !isFree && !hasProperties
      ? [
          required(
            `${path}.properties`,
            'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
          ),
        ]
      : []),
    ...(isMeta && isEmbedded
      ? [forbiddenField(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta')]
      : []),
  ]
}

/** What may be said of the API's own fields. */
const metaRules = (schema: JsonObject, path: string, level: Within['level']): Errors => {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {}
  const wanted = { kind: 'string', apiVersion: 'string', metadata: 'object' }
  const { metadata } = properties
  const wrong = Object.entries(wanted).flatMap(([name, type]) => {
    const property = properties[name]
    return isJsonObject(property) && property['type'] !== type
      ? [invalidValue(`${path}.properties[${name}].type`, property['type'] ?? '', `must be ${type}`)]
      : []
  })
  if (level !== 'root' || !isJsonObject(metadata)) return wrong
  const isPlain = Object.keys(metadata).every(
    (name) => name === 'type' || name === 'properties' || name === 'description',
  )
  const names = childrenOf(metadata['properties']).map(([name]) => name)
  return isPlain && names.every((name) => name === 'name' || name === 'generateName')
    ? wrong
    : [
        ...wrong,
        forbiddenField(
          `${path}.properties[metadata]`,
          'must not specify anything other than name and generateName, but metadata is implicitly specified',
        ),
      ]
}

const forbiddenWithin: Readonly<Record<string, string>> = {
  type: 'must be empty to be structural',
  additionalProperties: 'must be undefined to be structural',
  default: 'must be undefined to be structural',
  title: 'must be empty to be structural',
  description: 'must be empty to be structural',
  nullable: 'must be false to be structural',
  'x-kubernetes-preserve-unknown-fields': 'must be false to be structural',
  'x-kubernetes-embedded-resource': 'must be false to be structural',
  'x-kubernetes-int-or-string': 'must be false to be structural',
  'x-kubernetes-list-map-keys': 'must be empty to be structural',
  'x-kubernetes-list-type': 'must be undefined to be structural',
  'x-kubernetes-map-type': 'must be undefined to be structural',
  'x-kubernetes-validations': 'must be empty to be structural',
}

/** Whether what is said of a place in `allOf` and the like is said of a place that is known outside of it. */
const incomplete = (nested: JsonObject, outer: unknown, path: string, outerPath: string): Errors => {
  const known = isJsonObject(outer) ? outer : {}
  const properties = isJsonObject(known['properties']) ? known['properties'] : {}
  const missing = (field: string): FieldError =>
    required(`${outerPath}.${field}`, `because it is defined in ${path}.${field}`)
  const { additionalProperties } = known
  return [
    ...childrenOf(nested['properties']).flatMap(([name, each]) => {
      const inner = properties[name] ?? (isJsonObject(additionalProperties) ? additionalProperties : undefined)
      if (inner !== undefined)
        return incomplete(each, inner, `${path}.properties[${name}]`, `${outerPath}.properties[${name}]`)
      return additionalProperties === true || known['x-kubernetes-preserve-unknown-fields'] === true
        ? []
        : [missing(`properties[${name}]`)]
    }),
    ...(isJsonObject(nested['items'])
      ? known['items'] === undefined
        ? [missing('items')]
        : incomplete(nested['items'], known['items'], `${path}.items`, `${outerPath}.items`)
      : []),
    ...junctions(nested, path).flatMap(([each, place]) => incomplete(each, outer, place, outerPath)),
  ]
}

/** The schemas of `allOf` and the like, with their places. */
const junctions = (schema: JsonObject, path: string): readonly (readonly [JsonObject, string])[] => [
  ...(['anyOf', 'allOf', 'oneOf'] as const).flatMap((name) =>
    listOf(schema[name]).map((each, at) => [each, `${path}.${name}[${at}]`] as const),
  ),
  ...(isJsonObject(schema['not']) ? [[schema['not'], `${path}.not`] as const] : []),
]

/** `anyOf: [{type: integer}, {type: string}]`, which says again what int-or-string says. */
const isIntOrString = (schema: JsonObject): boolean => deepEqual(schema['anyOf'], intOrString)

const nestedRules = (schema: JsonObject, path: string): Errors => [
  ...scalarRules(schema, path),
  ...Object.entries(forbiddenWithin).flatMap(([name, message]) =>
    isSet(schema[name]) && schema[name] !== false ? [forbiddenField(`${path}.${name}`, message)] : [],
  ),
  ...(isJsonObject(schema['properties']) && schema['properties']['metadata'] !== undefined
    ? [forbiddenField(`${path}.properties[metadata]`, 'must not be specified in a nested context')]
    : []),
  ...childrenOf(schema['properties']).flatMap(([name, each]) => nestedRules(each, `${path}.properties[${name}]`)),
  ...(isJsonObject(schema['items']) ? nestedRules(schema['items'], `${path}.items`) : []),
  ...(isIntOrString(schema) ? [] : junctions(schema, path).flatMap(([each, place]) => nestedRules(each, place))),
]

const defaultRules = (schema: JsonObject, path: string, { noDefault }: Within): Errors =>
  schema['default'] !== undefined && noDefault !== undefined
    ? [forbiddenField(`${path}.default`, `must not be set ${noDefault}`)]
    : []

const rulesWithin = (schema: JsonObject, path: string, within: Within): Errors => {
  const isRoot = within.level === 'root'
  const isObject = isRoot || schema['x-kubernetes-embedded-resource'] === true
  const field: Within = { ...within, level: 'field' }
  const skipsFirst = listOf(schema['allOf']).slice(0, 1).some(isIntOrString)
  const { additionalProperties, items } = schema
  return [
    ...scalarRules(schema, path),
    ...defaultRules(schema, path, within),
    ...mapTypeRules(schema, path),
    ...listTypeRules(schema, path),
    ...typeRules(schema, path, within),
    ...openRules(schema, path, within),
    ...(isObject ? metaRules(schema, path, within.level) : []),
    ...(isIntOrString(schema) ? [] : junctions({ ...schema, allOf: undefined }, path)).flatMap(([each, place]) =>
      nestedRules(each, place),
    ),
    ...junctions({ allOf: schema['allOf'] }, path).flatMap(([each, place], at) =>
      skipsFirst && at === 0 ? [] : nestedRules(each, place),
    ),
    ...junctions(schema, path).flatMap(([each, place]) => incomplete(each, schema, place, path)),
    ...childrenOf(schema['properties']).flatMap(([name, each]) =>
      rulesWithin(each, `${path}.properties[${name}]`, {
        level: 'field',
        isMeta: (isObject && metaFields.includes(name)) || (within.isMeta && !isObject),
        noDefault: isRoot && metaFields.includes(name) ? `in top-level ${name}` : within.noDefault,
      }),
    ),
    ...(isJsonObject(items) ? rulesWithin(items, `${path}.items`, { ...within, level: 'item' }) : []),
    ...(isJsonObject(additionalProperties)
      ? rulesWithin(additionalProperties, `${path}.additionalProperties`, {
          ...field,
          ...(within.isMeta ? { noDefault: 'inside additionalProperties applying to object metadata' } : {}),
        })
      : []),
  ]
}

/** Sorted, and each once. */
export const structuralErrors = (schema: JsonObject, path: string): Errors => {
  const found = rulesWithin(schema, path, { level: 'root', isMeta: false, noDefault: undefined })
  const byText = new Map(found.map((error) => [`${error.field} ${error.message}`, error]))
  return [...byText.keys()].sort().flatMap((text) => byText.get(text) ?? [])
}
