/** Who a write says it is by, and what it may say of its fields. */
import { type FieldError, forbiddenField, invalidValue, required, tooLong } from '../../api/errors.ts'
import { type Manager, managedAfter } from '../apply/managers.ts'
import type { Manage } from '../objects/objects.ts'
import { applyPatchType } from '../openapi/json-schema.ts'
import { isSet } from '../request/request-info.ts'
import { apiVersionOf, type ResourceDefinition } from '../resources/definition.ts'
import { formsOfStored } from '../resources/forms.ts'
import type { Call } from './call.ts'

const longest = 128

/** `kubectl` of `kubectl/v1.30.0 (linux/amd64)`. */
const programOf = (agent: string): string => agent.split('/')[0]?.trim().slice(0, longest) || 'unknown'

const isApply = ({ contentType }: Call): boolean => contentType === applyPatchType

const oddCharacter = (name: string, at: number): string =>
  `invalid character U+${(name.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0')} (at position ${at})`

/** What is wrong with the options that say who writes. */
export const managerErrors = (call: Call): readonly FieldError[] => {
  const name = call.query.get('fieldManager') ?? ''
  const odd = name.search(/\p{C}/u)
  return [
    ...(name.length > longest ? [tooLong('fieldManager', longest)] : []),
    ...(odd >= 0 ? [invalidValue('fieldManager', name.slice(0, longest), oddCharacter(name, odd))] : []),
    ...(isApply(call) && name === '' ? [required('fieldManager', 'is required for apply patch')] : []),
    ...(call.method === 'PATCH' && !isApply(call) && isSet(call.query, 'force')
      ? [forbiddenField('force', 'may not be specified for non-apply patch')]
      : []),
  ]
}

export const managerOf = (call: Call, definition: ResourceDefinition, subresource?: string): Manager => ({
  name: call.query.get('fieldManager') || programOf(call.header('user-agent')),
  operation: isApply(call) ? 'Apply' : 'Update',
  apiVersion: apiVersionOf(definition),
  ...(subresource === undefined ? {} : { subresource }),
})

/** For a write that changes what it changes. `time`: RFC 3339. */
export const managing = (manager: Manager, definition: ResourceDefinition, time: string): Manage => {
  const formOf = formsOfStored(definition)
  return (old, now) => managedAfter(old, now, manager, formOf, time)
}
