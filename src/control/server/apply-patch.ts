/** Server-side apply as a request: what a client wishes of an object, and by which name. */

import { badRequest } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { type Applied, apply } from '../apply/managers.ts'
import type { ObjectName } from '../objects/objects.ts'
import { isSet } from '../request/request-info.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { formsOfShown } from '../resources/forms.ts'
import type { Call } from './call.ts'
import { managerOf } from './field-manager.ts'
import { checkName, readShown } from './input.ts'
import { hasLastApplied, kubectlManager, lastApplied, withLastApplied } from './last-applied.ts'

/** A decoded value without what only decoding gave it: who applies has no opinion on what they do not name. */
const asSent = (decoded: unknown, sent: unknown): unknown => {
  if (Array.isArray(decoded) && Array.isArray(sent)) return decoded.map((item, at) => asSent(item, sent[at]))
  if (!isJsonObject(decoded) || !isJsonObject(sent)) return decoded
  return Object.fromEntries(
    Object.entries(decoded).flatMap(([name, value]) =>
      Object.hasOwn(sent, name) && sent[name] !== null ? [[name, asSent(value, sent[name])]] : [],
    ),
  )
}

/** Throws BadRequest for a body that is no object of the kind and name, or has fields that the kind has not. */
export const readWish = (
  definition: ResourceDefinition,
  { namespace, name }: ObjectName,
  body: unknown,
): KubeObject => {
  if (!isJsonObject(body)) throw badRequest(`an apply patch is an object of kind ${definition.kind}`)
  if (!body['kind'] || !body['apiVersion']) throw badRequest('an apply patch names its apiVersion and kind')
  const strict = new URLSearchParams({ fieldValidation: 'Strict' })
  // What stands twice is judged as the request wants it.
  const { object } = readShown(definition, { ...body }, strict)
  if (object.metadata.managedFields) throw badRequest('metadata.managedFields must be nil')
  checkName(object.metadata.name, name)
  const sent = asSent(object, body) as KubeObject
  return { ...sent, metadata: { ...sent.metadata, name, ...(namespace ? { namespace } : {}) } }
}

/** Applies a wish, as the client said it, to an object in the version of the request. Throws Conflict. */
export const applyingOf = (
  call: Call,
  definition: ResourceDefinition,
  subresource: string | undefined,
  time: string,
): ((old: KubeObject | undefined, wish: KubeObject, said: unknown) => Applied) => {
  const manager = managerOf(call, definition, subresource)
  const isForced = isSet(call.query, 'force')
  const formOf = formsOfShown(definition)
  return (old, wish, said) => {
    const noted = manager.name === kubectlManager && old !== undefined && hasLastApplied(old)
    const before = noted ? lastApplied(definition, old) : undefined
    const applied = apply(old, wish, manager, { formOf, time, isForced, before })
    return noted ? { ...applied, object: withLastApplied(applied.object, said) } : applied
  }
}
