import { type FieldError, required } from '../../../api/errors.ts'
import type { ReferenceGrant } from '../../../api/types/index.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { atMost, checkReference, present } from './checks.ts'
import { gatewayKind } from './kind.ts'

const validate = ({ spec }: ReferenceGrant): FieldError[] => {
  const { from = [], to = [] } = spec ?? {}
  return [
    ...(from.length === 0 ? [required('spec.from')] : []),
    ...(to.length === 0 ? [required('spec.to')] : []),
    ...atMost(16, from, 'spec.from'),
    ...atMost(16, to, 'spec.to'),
    ...from.flatMap((each, at) => [
      ...present(each.namespace, `spec.from[${at}].namespace`),
      ...checkReference({ ...each, name: '*' }, `spec.from[${at}]`),
    ]),
    ...to.flatMap((each, at) => checkReference({ ...each, name: each.name || '*' }, `spec.to[${at}]`)),
  ]
}

export const referenceGrant = define<ReferenceGrant>({
  ...gatewayKind,
  version: 'v1beta1',
  otherVersions: [{ version: 'v1' }],
  plural: 'referencegrants',
  singular: 'referencegrant',
  kind: 'ReferenceGrant',
  schemaType: 'gateway/v1.ReferenceGrant',
  namespaced: true,
  shortNames: ['refgrant'],
  columns: [nameColumn, ageColumn],
  validate,
})
