import type { ServiceAccount } from '../../../api/types/kubernetes/core-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'

export const serviceAccount = define<ServiceAccount>({
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  kind: 'ServiceAccount',
  namespaced: true,
  shortNames: ['sa'],
  nameRule: subdomainName,
  subresources: [
    { name: 'token', kind: 'TokenRequest', verbs: ['create'], group: 'authentication.k8s.io', version: 'v1' },
  ],
  columns: [
    nameColumn,
    column('Secrets', ({ secrets }) => (secrets ?? []).length, 'How many Secrets its pods may use'),
    ageColumn,
  ],
})
