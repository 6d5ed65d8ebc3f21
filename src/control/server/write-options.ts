/** What a request asks a write to respect: its query, and for deletions its body. */
import { type FieldError, invalid, invalidValue, notSupported } from '../../api/errors.ts'
import type { AskedWrite } from '../objects/admission.ts'
import type { Deletion } from '../objects/deletion.ts'
import type { Manage, WriteOptions } from '../objects/objects.ts'
import { integerOf, isSet } from '../request/request-info.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import type { Call } from './call.ts'
import { managerErrors, managerOf, managing } from './field-manager.ts'
import { readTyped } from './input.ts'

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions'

const refuse = (kind: OptionsKind, errors: readonly FieldError[]): void => {
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors)
}

const dryRunErrors = (asked: readonly string[]): readonly FieldError[] =>
  asked.every((value) => value === 'All') ? [] : [notSupported('dryRun', asked, ['All'])]

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
  const { asked, told } = askedWrite(call, definition, kind, subresource)
  return { user: call.user, dryRun: dryRun.length > 0, manage, asked, told }
}

const optionNames = ['fieldManager', 'fieldValidation'] as const

/** What admission is told of a request, and what it has to tell. */
const askedWrite = (
  call: Call,
  row: ResourceDefinition,
  kind: OptionsKind,
  subresource = '',
): { readonly asked: AskedWrite; readonly told: readonly string[] } => {
  const told: string[] = []
  const dryRun = call.query.getAll('dryRun')
  const given = optionNames.flatMap((name) => {
    const value = call.query.get(name)
    return value === null ? [] : [[name, value]]
  })
  const options = {
    ...{ kind, apiVersion: 'meta.k8s.io/v1' },
    ...(dryRun.length > 0 ? { dryRun } : {}),
    ...Object.fromEntries(given),
  }
  return { asked: { row, subresource, options, warn: (text) => void told.push(text) }, told }
}

interface DeleteOptions extends Omit<Deletion, 'gracePeriodSeconds'> {
  readonly gracePeriodSeconds?: number
  readonly orphanDependents?: boolean
  readonly dryRun?: readonly string[]
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
  return policies.includes(policy) ? [] : [notSupported('propagationPolicy', policy, policies)]
}

/** Less than nothing means as soon as may be. */
const graceOf = (asked: number | undefined): number | undefined => (asked !== undefined && asked < 0 ? 1 : asked)

const optionsType = { kind: 'DeleteOptions', schemaType: 'meta/v1.DeleteOptions' } as const

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
    body === undefined
      ? fromQuery(call.query)
      : (readTyped(body, optionsType, call.query).object as unknown as DeleteOptions)
  const dryRun = [...call.query.getAll('dryRun'), ...(options.dryRun ?? [])]
  refuse('DeleteOptions', [...policyErrors(options), ...dryRunErrors(dryRun)])
  const { preconditions, propagationPolicy, orphanDependents } = options
  const grace = graceOf(options.gracePeriodSeconds)
  const isOpen = propagationPolicy === undefined && orphanDependents === undefined
  const { asked, told } = askedWrite(call, definition, 'DeleteOptions')
  if (isOpen && orphans?.warning !== undefined) asked.warn(orphans.warning)
  return {
    ...(preconditions ? { preconditions } : {}),
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    propagationPolicy: propagationPolicy ?? (orphanDependents || (isOpen && orphans) ? 'Orphan' : 'Background'),
    dryRun: dryRun.length > 0,
    asked,
    warnings: told,
  }
}
