/** Server-side apply as a request: what a client wishes of an object, and by which name. */
import { badRequest } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { type Applied, apply } from '../apply/managers.ts'
import type { ObjectName } from '../objects/objects.ts'
import { isSet } from '../request/request-info.ts'
import { apiVersionOf, type ResourceDefinition, schemaTypeOf } from '../resources/definition.ts'
import type { Call } from './call.ts'
import { managerOf } from './field-manager.ts'
import { readTyped } from './input.ts'

type Values = Readonly<Record<string, unknown>>

const isValues = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A decoded value without what only decoding gave it: who applies has no opinion on what they do not name. */
const asSent = (decoded: unknown, sent: unknown): unknown => {
  if (Array.isArray(decoded) && Array.isArray(sent)) return decoded.map((item, at) => asSent(item, sent[at]))
  if (!isValues(decoded) || !isValues(sent)) return decoded
  return Object.fromEntries(
    Object.entries(decoded).flatMap(([name, value]) =>
      Object.hasOwn(sent, name) && sent[name] !== null ? [[name, asSent(value, sent[name])]] : [],
    ),
  )
}

export interface Wish {
  readonly wish: KubeObject
  readonly warnings: readonly string[]
}

/** Throws BadRequest for a body that is no object of the kind and name, or has fields that the kind has not. */
export const readWish = (definition: ResourceDefinition, { namespace, name }: ObjectName, body: unknown): Wish => {
  const { kind } = definition
  const apiVersion = apiVersionOf(definition)
  if (!isValues(body)) throw badRequest(`an apply patch is an object of kind ${kind}`)
  if (!body['kind'] || !body['apiVersion']) throw badRequest('an apply patch names its apiVersion and kind')
  const strict = new URLSearchParams({ fieldValidation: 'Strict' })
  const { object, warnings } = readTyped(body, { kind, apiVersion, schemaType: schemaTypeOf(definition) }, strict)
  if (object.metadata.managedFields) throw badRequest('metadata.managedFields must be nil')
  if (object.metadata.name && object.metadata.name !== name)
    throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`)
  const sent = asSent(object, body) as KubeObject
  return { wish: { ...sent, metadata: { ...sent.metadata, name, ...(namespace ? { namespace } : {}) } }, warnings }
}

/** Applies a wish to an object in the version of the request. Throws Conflict. */
export const applyingOf = (
  call: Call,
  definition: ResourceDefinition,
  subresource: string | undefined,
  time: string,
): ((old: KubeObject | undefined, wish: KubeObject) => Applied) => {
  const manager = managerOf(call, definition, subresource)
  const isForced = call.query.has('force') && isSet(call.query, 'force')
  return (old, wish) => apply(old, wish, manager, { type: schemaTypeOf(definition), time, isForced })
}
