/** Bodies of write requests as objects of their kind. */
import { badRequest } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { apiVersionOf, type ResourceDefinition, schemaTypeOf } from '../registry/definition.ts'
import { decode } from '../schema/decode.ts'

export interface Input {
  readonly object: KubeObject
  readonly warnings: readonly string[]
}

interface Expected {
  readonly kind: string
  readonly apiVersion: string
  readonly schemaType: string
}

const checkType = (body: unknown, { kind, apiVersion }: Expected): void => {
  const given = body as { readonly kind?: unknown; readonly apiVersion?: unknown } | null | undefined
  if (typeof given !== 'object' || given === null) throw badRequest(`the body is not an object of kind ${kind}`)
  if (given.kind !== undefined && given.kind !== '' && given.kind !== kind)
    throw badRequest(
      `${String(given.kind)} in version ${JSON.stringify(given.apiVersion ?? '')} cannot be handled as a ${kind}`,
    )
  if (given.apiVersion !== undefined && given.apiVersion !== '' && given.apiVersion !== apiVersion)
    throw badRequest(
      `the API version in the data (${String(given.apiVersion)}) does not match the expected API version (${apiVersion})`,
    )
}

/** What to do about fields that the kind does not have: the query parameter `fieldValidation`. */
const judgeUnknown = (unknown: readonly string[], kind: string, mode: string): readonly string[] => {
  const lines = unknown.map((path) => `unknown field "${path}"`)
  if (mode === 'Strict' && lines.length > 0)
    throw badRequest(
      `${kind} in version "v1" cannot be handled as a ${kind}: strict decoding error: ${lines.join(', ')}`,
    )
  return mode === 'Ignore' ? [] : lines
}

/** Reads a body as a given type. Throws BadRequest for a wrong kind, wrong field types, or (Strict) unknown fields. */
export const readTyped = (body: unknown, expected: Expected, query: URLSearchParams): Input => {
  checkType(body, expected)
  const { value, unknown } = decode(body, expected.kind, expected.schemaType)
  const warnings = judgeUnknown(unknown, expected.kind, query.get('fieldValidation') ?? 'Warn')
  return { object: value as unknown as KubeObject, warnings }
}

export const readObject = (definition: ResourceDefinition, body: unknown, query: URLSearchParams): Input =>
  readTyped(
    body,
    { kind: definition.kind, apiVersion: apiVersionOf(definition), schemaType: schemaTypeOf(definition) },
    query,
  )
