/** What a request asks a write to respect: its query, and for deletions its body. */

import { type FieldError, invalid, invalidValue, notSupported } from '../../api/errors.ts'
import { goTexts } from '../../api/go-quote.ts'
import type { DeleteOptions, KubeObject } from '../../api/types/index.ts'
import type { AskedWrite, ObjectType, RequestReview } from '../objects/admission.ts'
import type { Deletion } from '../objects/deletion.ts'
import type { Manage, Objects, WriteOptions } from '../objects/objects.ts'
import { integerOf, isSet, type ResourceRequest } from '../request/request-info.ts'
import { kindOf, type ResourceDefinition } from '../resources/definition.ts'
import type { Call } from './call.ts'
import { managerErrors, managerOf, managing } from './field-manager.ts'
import { readTyped } from './input.ts'

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions'

const refuse = (kind: OptionsKind, errors: readonly FieldError[]): void => {
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors)
}

const dryRunErrors = (asked: readonly string[]): readonly FieldError[] =>
  asked.every((value) => value === 'All')
    ? []
    : [
        {
          ...{ reason: 'FieldValueNotSupported', field: 'dryRun' },
          message: `Unsupported value: ${goTexts(asked)}: supported values: "All"`,
        },
      ]

/** What a write through `definition` is to respect. `time`: RFC 3339. Throws Invalid for options that are none. */
export const writeOptionsOf = (
  call: Call,
  definition: ResourceDefinition,
  kind: OptionsKind,
  time: string,
  subresource?: string,
): WriteOptions & { readonly manage: Manage; readonly told: readonly string[] } => {
  const dryRun = call.query.getAll('dryRun')
  refuse(kind, [...dryRunErrors(dryRun), ...managerErrors(call)])
  const manage = managing(managerOf(call, definition, subresource), definition, time)
  const { asked, told } = askedFor(call, definition, subresource, queryOptions(call.query))
  return { user: call.user, dryRun: dryRun.length > 0, manage, asked, told }
}

const optionNames = ['fieldManager', 'fieldValidation'] as const

const queryOptions = (query: URLSearchParams): Readonly<Record<string, unknown>> => {
  const dryRun = query.getAll('dryRun')
  const given = optionNames.flatMap((name) => {
    const value = query.get(name)
    return value === null ? [] : [[name, value]]
  })
  return { ...(dryRun.length > 0 ? { dryRun } : {}), ...Object.fromEntries(given) }
}

interface AskedFor {
  readonly asked: AskedWrite
  /** What admission has to tell the client; more of it comes with the write. */
  readonly told: readonly string[]
}

const askedFor = (
  call: Call,
  row: ResourceDefinition,
  subresource = '',
  options?: Readonly<Record<string, unknown>>,
): AskedFor => {
  const told: string[] = []
  const warn = (text: string) => void told.push(text)
  const annotate: AskedWrite['annotate'] = (...said) => call.trail?.annotate(...said)
  return { asked: { row, subresource, options, warn, annotate }, told }
}

/** What a request is asked with whose object is kept nowhere. */
export interface AskedRequest {
  readonly operation: RequestReview['operation']
  readonly type?: ObjectType
  readonly object: KubeObject
}

/** Asks admission about it: the object as that leaves it. Throws Invalid for options that are none, and what admission says. */
export const admittedRequest = async (
  objects: Pick<Objects, 'admit'>,
  call: Call,
  { namespace, name = '', subresource }: Pick<ResourceRequest, 'namespace' | 'name' | 'subresource'>,
  definition: ResourceDefinition,
  request: AskedRequest,
): Promise<{ readonly object: KubeObject; readonly dryRun: boolean; readonly told: readonly string[] }> => {
  const isWrite = request.operation === 'create'
  const given = isWrite ? call.query.getAll('dryRun') : []
  refuse('CreateOptions', dryRunErrors(given))
  const dryRun = given.length > 0
  const { asked, told } = askedFor(call, definition, subresource, isWrite ? queryOptions(call.query) : undefined)
  const about = { definition: kindOf(definition), name, namespace, user: call.user, dryRun, asked }
  return { object: await objects.admit({ ...request, ...about }), dryRun, told }
}

const fromQuery = (query: URLSearchParams): DeleteOptions => {
  const grace = integerOf(query, 'gracePeriodSeconds')
  const policy = query.get('propagationPolicy')
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(query.has('orphanDependents') ? { orphanDependents: isSet(query, 'orphanDependents') } : {}),
  }
}

const policies = ['Foreground', 'Background', 'Orphan']

const policyErrors = ({ propagationPolicy: policy, orphanDependents }: DeleteOptions): readonly FieldError[] => {
  if (policy === undefined) return []
  if (orphanDependents !== undefined)
    return [invalidValue('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set')]
  return policies.includes(policy) ? [] : [notSupported('propagationPolicy', policy, [...policies, 'nil'])]
}

/** Less than nothing means as soon as may be. */
const graceOf = (asked: number | undefined): number | undefined => (asked !== undefined && asked < 0 ? 1 : asked)

const optionsType = { kind: 'DeleteOptions', schemaType: 'meta/v1.DeleteOptions' } as const

/** What they say of the deletion itself. Throws Invalid for options that are not known or do not fit together. */
export const deletionOf = (options: DeleteOptions, dryRun: readonly string[]): Deletion => {
  refuse('DeleteOptions', [...policyErrors(options), ...dryRunErrors(dryRun)])
  const { preconditions, propagationPolicy, orphanDependents } = options
  const older = orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background'
  const policy = propagationPolicy ?? older
  const grace = graceOf(options.gracePeriodSeconds)
  return {
    ...(preconditions ? { preconditions } : {}),
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
  }
}

interface DeletionOptions extends Deletion {
  readonly dryRun: boolean
  readonly asked: AskedWrite
  /** What the client has to know; more of it comes with the deletion. */
  readonly warnings: readonly string[]
}

/**
 * The options of a deletion: those of the body when there is one, else those of the query; a dry run may be asked for in
 * both. Throws BadRequest for a body that is something else, Invalid for options that are not known or do not fit together.
 */
export const readDeletion = async (call: Call, definition: ResourceDefinition): Promise<DeletionOptions> => {
  const { orphans } = definition
  const body = await call.body()
  const options =
    body === undefined ? fromQuery(call.query) : (readTyped(body, optionsType, call.query).object as DeleteOptions)
  const dryRun = [...call.query.getAll('dryRun'), ...(options.dryRun ?? [])]
  const deletion = deletionOf(options, dryRun)
  const { asked, told } = askedFor(call, definition, '', {
    ...options,
    ...(dryRun.length > 0 ? { dryRun } : {}),
  })
  if (deletion.propagationPolicy === undefined && orphans?.warning !== undefined) asked.warn(orphans.warning)
  return {
    ...deletion,
    dryRun: dryRun.length > 0,
    asked,
    warnings: told,
  }
}
