import { type FieldError, invalidValue } from '../../../api/errors.ts'
import type { Lease } from '../../../api/types/index.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'
import { atLeastZero } from '../quantities.ts'

const validate = ({ spec }: Lease): FieldError[] => [
  ...(spec?.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0
    ? [invalidValue('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0')]
    : []),
  ...atLeastZero(spec?.leaseTransitions, 'spec.leaseTransitions'),
]

export const lease = define<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  singular: 'lease',
  kind: 'Lease',
  namespaced: true,
  nameRule: subdomainName,
  createOnUpdate: true,
  updateNeedsVersion: true,
  columns: [nameColumn, column('Holder', (l) => l.spec?.holderIdentity ?? '', 'Who holds it'), ageColumn],
  validate,
  otherVersions: [{ version: 'v1beta1' }],
})
