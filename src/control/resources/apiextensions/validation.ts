/** What is wrong with a CustomResourceDefinition, in the words of Kubernetes. Pure. */

import { deepEqual } from '../../../api/deep-equal.ts'
import { type FieldError, forbiddenField, invalidValue, notSupported, required, tooMany } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  JSONSchemaProps,
  SelectableField,
} from '../../../api/types/kubernetes/apiextensions-v1.ts'
import { compileRules } from '../../structural/cel-rules.ts'
import { defaultErrors } from '../../structural/defaults.ts'
import { parseJsonPath } from '../../structural/json-path.ts'
import { structuralErrors } from '../../structural/rules.ts'
import { readSchema } from '../../structural/schema.ts'
import { validateClient, validateReviewVersions } from '../admissionregistration/webhook-client.ts'
import { immutable } from '../metadata.ts'
import { checkLabel1035, ifWrong } from '../names.ts'
import { repeatedAt } from '../repeated.ts'

type Errors = readonly FieldError[]

const oneOf = (value: string, field: string, accepted: readonly string[]): Errors => {
  if (value === '') return [required(field)]
  return accepted.includes(value) ? [] : [notSupported(field, value, accepted)]
}

const nameErrors = (names: CustomResourceDefinitionNames, path: string): Errors => {
  const { plural, singular = '', kind, listKind = '', shortNames = [], categories = [] } = names
  const mixed = 'may have mixed case, but should otherwise match: '
  const label = (value: string, field: string): Errors =>
    value === '' ? [] : ifWrong(checkLabel1035(value), field, value)
  const kindName = (value: string, field: string): Errors => {
    const message = checkLabel1035(value.toLowerCase())
    return value === '' || message === undefined ? [] : [invalidValue(field, value, `${mixed}${message}`)]
  }
  return [
    ...label(plural, `${path}.plural`),
    ...label(singular, `${path}.singular`),
    ...kindName(kind, `${path}.kind`),
    ...kindName(listKind, `${path}.listKind`),
    ...shortNames.flatMap((name, at) => ifWrong(checkLabel1035(name), `${path}.shortNames[${at}]`, name)),
    ...(kind !== '' && kind === listKind
      ? [invalidValue(`${path}.listKind`, listKind, 'kind and listKind may not be the same')]
      : []),
    ...categories.flatMap((name, at) => ifWrong(checkLabel1035(name), `${path}.categories[${at}]`, name)),
  ]
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

const pathErrors = (path: string, field: string): Errors => {
  if (!path.startsWith('.')) return [invalidValue(field, path, 'must be a simple json path starting with .')]
  return parseJsonPath(path) ? [] : [invalidValue(field, path, 'must be a json path in the dot notation')]
}

const columnErrors = ({ name, type, format = '', jsonPath }: CustomResourceColumnDefinition, path: string): Errors => [
  ...(name === '' ? [required(`${path}.name`)] : []),
  ...(type === ''
    ? [required(`${path}.type`, `must be one of ${columnTypes.join(',')}`)]
    : columnTypes.includes(type)
      ? []
      : [invalidValue(`${path}.type`, type, `must be one of ${columnTypes.join(',')}`)]),
  ...(format === '' || columnFormats.includes(format)
    ? []
    : [invalidValue(`${path}.format`, format, `must be one of ${columnFormats.join(',')}`)]),
  ...(jsonPath === '' ? [required(`${path}.jsonPath`)] : pathErrors(jsonPath, `${path}.jsonPath`)),
]

const below = (path: string, field: string, roots: readonly string[], wanted: string): Errors => {
  if (path === '') return [required(field)]
  const wrong = pathErrors(path, field)
  if (wrong.length > 0) return wrong
  return roots.some((root) => path.startsWith(root))
    ? []
    : [invalidValue(field, path, `should be a json path under ${wanted}`)]
}

const scaleErrors = ({ scale }: CustomResourceSubresources, path: string): Errors => {
  if (!scale) return []
  const { labelSelectorPath: selector = '' } = scale
  return [
    ...below(scale.specReplicasPath, `${path}.scale.specReplicasPath`, ['.spec.'], '.spec'),
    ...below(scale.statusReplicasPath, `${path}.scale.statusReplicasPath`, ['.status.'], '.status'),
    ...(selector === ''
      ? []
      : below(selector, `${path}.scale.labelSelectorPath`, ['.spec.', '.status.'], 'either .spec or .status')),
  ]
}

const scalarTypes = ['string', 'boolean', 'integer']
const mostSelectable = 8

const propertyAt = (schema: JSONSchemaProps | undefined, path: string): JSONSchemaProps | undefined =>
  path
    .split('.')
    .slice(1)
    .reduce<JSONSchemaProps | undefined>((at, name) => at?.properties?.[name], schema)

const selectableErrors = (
  fields: readonly SelectableField[],
  schema: JSONSchemaProps | undefined,
  path: string,
): Errors => [
  ...tooMany(path, fields.length, mostSelectable),
  ...repeatedAt(fields.map(({ jsonPath }) => jsonPath)).map((at) => ({
    reason: 'FieldValueDuplicate' as const,
    field: `${path}[${at}].jsonPath`,
    message: `Duplicate value: ${JSON.stringify(fields[at]?.jsonPath)}`,
  })),
  ...fields.flatMap(({ jsonPath }, at) => {
    const field = `${path}[${at}].jsonPath`
    if (!jsonPath) return [required(field)]
    if (!/^(\.[A-Za-z_][A-Za-z0-9_]*)+$/.test(jsonPath))
      return [invalidValue(field, jsonPath, 'is an invalid path: only fields of objects can be selected by')]
    if (jsonPath.startsWith('.metadata.'))
      return [invalidValue(field, jsonPath, 'must not point to fields in metadata')]
    const property = propertyAt(schema, jsonPath)
    if (!property) return [invalidValue(field, jsonPath, 'is an invalid path: does not refer to a valid field')]
    return scalarTypes.includes(property.type ?? '')
      ? []
      : [invalidValue(field, jsonPath, 'must point to a field of type string, boolean or integer')]
  }),
]

const deprecationErrors = (version: CustomResourceDefinitionVersion, path: string): Errors => {
  const { deprecated = false, deprecationWarning: text } = version
  if (text === undefined) return []
  const refuse = (detail: string): Errors => [invalidValue(`${path}.deprecationWarning`, text, detail)]
  return [
    ...(deprecated ? [] : refuse('can only be set for deprecated versions')),
    ...(text.length > 256 ? refuse('must be <= 256 characters long') : []),
    ...(text === '' ? refuse('must not be an empty string') : []),
    ...(/\p{C}/u.test(text) ? refuse('must only contain printable UTF-8 characters') : []),
  ]
}

const schemaErrors = (version: CustomResourceDefinitionVersion, path: string, isFree: boolean): Errors => {
  const schema = version.schema?.openAPIV3Schema
  const field = `${path}.schema.openAPIV3Schema`
  if (!schema) return isFree ? [] : [required(field, 'schemas are required')]
  const wrong = [
    ...(schema.nullable ? [forbiddenField(`${field}.nullable`, 'nullable cannot be true at the root')] : []),
    ...(isFree ? [] : structuralErrors({ ...schema }, field)),
  ]
  if (wrong.length > 0 || isFree) return wrong
  const structural = readSchema(schema)
  return [...compileRules(structural, field).errors, ...defaultErrors(structural, field)]
}

/** By version. Those with the schema of one before them, which is valid, are not looked at again. */
const allSchemaErrors = (
  versions: readonly CustomResourceDefinitionVersion[],
  pathOf: (at: number) => string,
  isFree: boolean,
): readonly Errors[] => {
  const valid: CustomResourceDefinitionVersion['schema'][] = []
  return versions.map((version, at) => {
    if (version.schema && valid.some((known) => deepEqual(known, version.schema))) return []
    const errors = schemaErrors(version, pathOf(at), isFree)
    if (errors.length === 0) valid.push(version.schema)
    return errors
  })
}

const versionErrors = (version: CustomResourceDefinitionVersion, path: string, ofSchema: Errors): Errors => [
  ...ifWrong(checkLabel1035(version.name), `${path}.name`, version.name),
  ...deprecationErrors(version, path),
  ...ofSchema,
  ...(version.subresources ? scaleErrors(version.subresources, `${path}.subresources`) : []),
  ...(version.additionalPrinterColumns ?? []).flatMap((column, at) =>
    columnErrors(column, `${path}.additionalPrinterColumns[${at}]`),
  ),
  ...selectableErrors(version.selectableFields ?? [], version.schema?.openAPIV3Schema, `${path}.selectableFields`),
]

const conversionErrors = (conversion: CustomResourceConversion | undefined, path: string, isFree: boolean): Errors => {
  if (!conversion) return []
  const { strategy, webhook } = conversion
  return [
    ...oneOf(strategy, `${path}.strategy`, ['None', 'Webhook']),
    ...(isFree && strategy === 'Webhook'
      ? [invalidValue(`${path}.strategy`, strategy, 'must be None if spec.preserveUnknownFields is true')]
      : []),
    ...(strategy !== 'Webhook'
      ? webhook
        ? [forbiddenField(`${path}.webhook`, 'should not be set when strategy is not set to Webhook')]
        : []
      : webhook?.clientConfig
        ? [
            ...validateClient(webhook.clientConfig, `${path}.webhook.clientConfig`),
            ...validateReviewVersions(webhook.conversionReviewVersions, `${path}.webhook.conversionReviewVersions`),
          ]
        : [required(`${path}.webhook.clientConfig`, 'required when strategy is set to Webhook')]),
  ]
}

/** Fields of which nobody knows anything stay: as v1beta1 has it, and nobody else any more. */
export const isFreeForm = ({ preserveUnknownFields = false }: CustomResourceDefinitionSpec): boolean =>
  preserveUnknownFields

const specErrors = (spec: CustomResourceDefinitionSpec): Errors => {
  const { group, names, scope, versions } = spec
  const isFree = isFreeForm(spec)
  const field = 'spec.versions'
  const pathOf = (at: number): string => `${field}[${at}]`
  const ofSchemas = allSchemaErrors(versions, pathOf, isFree)
  return [
    ...(group === ''
      ? [required('spec.group')]
      : checkSubdomain(group) !== undefined
        ? ifWrong(checkSubdomain(group), 'spec.group', group)
        : group.includes('.')
          ? []
          : [invalidValue('spec.group', group, 'should be a domain with at least one dot')]),
    ...oneOf(scope, 'spec.scope', ['Cluster', 'Namespaced']),
    ...versions.flatMap((version, at) => versionErrors(version, pathOf(at), ofSchemas[at] ?? [])),
    ...(repeatedAt(versions.map(({ name }) => name)).length > 0
      ? [
          invalidValue(
            field,
            versions.map(({ name }) => name),
            'must contain unique version names',
          ),
        ]
      : []),
    ...(versions.filter(({ storage }) => storage).length === 1
      ? []
      : [
          invalidValue(
            field,
            versions.map(({ name }) => name),
            'must have exactly one version marked as storage version',
          ),
        ]),
    ...(['plural', 'singular', 'kind', 'listKind'] as const).flatMap((name) =>
      names[name] ? [] : [required(`spec.names.${name}`)],
    ),
    ...nameErrors(names, 'spec.names'),
    ...conversionErrors(spec.conversion, 'spec.conversion', isFree),
  ]
}

const approval = 'api-approved.kubernetes.io'

const isProtected = (group: string): boolean =>
  ['k8s.io', 'kubernetes.io'].some((domain) => group === domain || group.endsWith(`.${domain}`))

/** Whether the approval of an API of Kubernetes' own groups is written as it has to be; undefined where none is needed. */
export const approvalOf = ({
  metadata,
  spec,
}: CustomResourceDefinition): 'approved' | 'bypassed' | 'missing' | 'invalid' | undefined => {
  if (!isProtected(spec.group)) return undefined
  const text = metadata.annotations?.[approval]
  if (text === undefined || text === '') return 'missing'
  if (text.startsWith('unapproved')) return 'bypassed'
  return URL.canParse(text) ? 'approved' : 'invalid'
}

const approvalErrors = (definition: CustomResourceDefinition): Errors => {
  const field = `metadata.annotations[${approval}]`
  switch (approvalOf(definition)) {
    case 'missing':
      return [
        required(
          field,
          'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
        ),
      ]
    case 'invalid':
      return [
        invalidValue(
          field,
          definition.metadata.annotations?.[approval],
          'protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
        ),
      ]
    default:
      return []
  }
}

const storedErrors = ({ spec, status }: CustomResourceDefinition): Errors => {
  const { storedVersions } = status
  const field = 'status.storedVersions'
  const known = new Set(spec.versions.map(({ name }) => name))
  if (storedVersions.length === 0) return [invalidValue(field, storedVersions, 'must have at least one stored version')]
  return [
    ...spec.versions
      .filter(({ name, storage }) => storage && !storedVersions.includes(name))
      .map(({ name }) => invalidValue(field, storedVersions, `must have the storage version ${name}`)),
    ...storedVersions.flatMap((version, at) =>
      known.has(version) ? [] : [invalidValue(`${field}[${at}]`, version, 'must appear in spec.versions')],
    ),
  ]
}

const objectNameErrors = ({ metadata, spec }: CustomResourceDefinition): Errors => {
  const wanted = `${spec.names.plural}.${spec.group}`
  return metadata.name === wanted || metadata.name === ''
    ? []
    : [invalidValue('metadata.name', metadata.name, `must be spec.names.plural+"."+spec.group`)]
}

/** To compile the rules of a schema takes its time: what stays as it is has been found valid. */
export const validate = (definition: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] => [
  ...objectNameErrors(definition),
  ...(old && deepEqual(old.spec, definition.spec) ? [] : specErrors(definition.spec)),
  ...nameErrors(definition.status.acceptedNames, 'status.acceptedNames'),
  ...storedErrors(definition),
  ...approvalErrors(definition),
]

export const validateCreate = ({ spec }: CustomResourceDefinition): FieldError[] =>
  isFreeForm(spec)
    ? [
        invalidValue(
          'spec.preserveUnknownFields',
          true,
          'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
        ),
      ]
    : []

const isEstablished = ({ status }: CustomResourceDefinition): boolean =>
  status.conditions.some(({ type, status: is }) => type === 'Established' && is === 'True')

export const validateUpdate = (now: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] => [
  ...(isEstablished(old)
    ? [
        ...immutable('spec.scope', now.spec.scope, old.spec.scope),
        ...immutable('spec.names.kind', now.spec.names.kind, old.spec.names.kind),
      ]
    : []),
  ...immutable('spec.group', now.spec.group, old.spec.group),
  ...immutable('spec.names.plural', now.spec.names.plural, old.spec.names.plural),
  ...(isFreeForm(now.spec) && !isFreeForm(old.spec) ? validateCreate(now) : []),
]
