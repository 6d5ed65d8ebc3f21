/**
 * OpenAPI v2, without which kubectl up to 1.26 refuses to `apply` and `create`. It is made as JSON, and given out so or in the
 * form that kubectl reads (protobuf).
 */
import { createHash } from 'node:crypto'
import type { ResourceDefinition } from '../resources/definition.ts'
import { type JsonSchema, patchTypesOf, pathsOf, schemaNameOf, schemasOf } from './json-schema.ts'
import { mergeDocuments, type OpenApiPart } from './merge.ts'
import { encodeDocument } from './v2-protobuf.ts'

const refer = (name: string) => ({ $ref: `#/definitions/${name}` })

/** What Swagger has no words for, and what its readers understand otherwise. */
const unspoken = new Set(['anyOf', 'oneOf', 'not', 'nullable', 'default', 'x-kubernetes-validations'])

const isObject = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null

/** A schema of its own kind in the words of Swagger. */
const cut = (schema: JsonSchema): JsonSchema => {
  const isOpen = schema['nullable'] === true || schema['x-kubernetes-int-or-string'] === true
  const isFree = schema['x-kubernetes-preserve-unknown-fields'] === true
  const kept = Object.entries(schema).flatMap(([name, value]): readonly (readonly [string, unknown])[] => {
    if (unspoken.has(name) || ((isOpen || isFree) && (name === 'type' || name === 'items'))) return []
    // Clients would refuse what they do not know of.
    if (isFree && (name === 'properties' || name === 'required')) return []
    if (name === 'properties' && isObject(value))
      return [
        [
          name,
          Object.fromEntries(Object.entries(value).map(([key, each]) => [key, isObject(each) ? cut(each) : each])),
        ],
      ]
    if ((name === 'items' || name === 'additionalProperties') && isObject(value)) return [[name, cut(value)]]
    if (name === 'allOf') return []
    return [[name, value]]
  })
  return Object.fromEntries(kept)
}

/** Of a kind that may hold anything nothing is said: clients take what is not named for an error. */
const cutKind = (schema: JsonSchema): JsonSchema =>
  schema['x-kubernetes-preserve-unknown-fields'] === true ? { type: 'object' } : cut(schema)

const parameter = (name: string) => ({ name, in: 'query', type: 'string', uniqueItems: true })
const body = { name: 'body', in: 'body', required: true, schema: { type: 'object' } }
const writes = { parameters: [body, parameter('dryRun'), parameter('fieldManager')] }

const operation = (definition: ResourceDefinition, action: string, more: object = {}) => {
  const { group, version, kind } = definition
  return {
    produces: ['application/json'],
    ...more,
    responses: { 200: { description: 'OK', schema: refer(schemaNameOf(definition)) } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
  }
}

const pathItems = (definition: ResourceDefinition): readonly (readonly [string, unknown])[] => {
  const { collection, object } = pathsOf(definition)
  return [
    [collection, { get: operation(definition, 'list'), post: operation(definition, 'post', writes) }],
    [
      object,
      {
        get: operation(definition, 'get'),
        put: operation(definition, 'put', writes),
        delete: operation(definition, 'delete'),
        patch: operation(definition, 'patch', { consumes: patchTypesOf(definition), ...writes }),
      },
    ],
  ]
}

export interface OpenApiV2 {
  readonly swagger: '2.0'
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, unknown>>
  readonly definitions: Readonly<Record<string, JsonSchema>>
}

const documentOf = (definitions: readonly ResourceDefinition[], version: string): OpenApiV2 => ({
  swagger: '2.0',
  info: { title: 'Podway', version },
  paths: Object.fromEntries(definitions.flatMap(pathItems)),
  definitions: schemasOf(definitions, definitions, refer, cutKind),
})

/** Clients ask for `…v2@v1.0+protobuf`, but Go's MIME parser refuses an answer with an `@` in its type. */
export const openApiV2Type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

export interface OpenApiBytes {
  readonly contentType: string
  readonly bytes: string | Uint8Array
  /** Names the content. */
  readonly tag: string
}

const tagged = (contentType: string, bytes: string | Uint8Array): OpenApiBytes => ({
  ...{ contentType, bytes },
  tag: createHash('sha256').update(bytes).digest('hex'),
})

export type OpenApiForm = 'json' | 'protobuf'

/** The document of all kinds, and of what others say of theirs. */
export const openApiV2 = (
  definitions: readonly ResourceDefinition[],
  version: string,
  form: OpenApiForm,
  others: readonly OpenApiPart[] = [],
): OpenApiBytes => {
  const document = mergeDocuments(documentOf(definitions, version), others)
  return form === 'json'
    ? tagged('application/json', JSON.stringify(document))
    : tagged(openApiV2Type, encodeDocument(document))
}
