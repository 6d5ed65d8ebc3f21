import type { ReplicaSet } from '../../../api/types/index.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { scaleOf, templateColumns, validateWorkload } from './workload.ts'

export const replicaSet = define<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  plural: 'replicasets',
  singular: 'replicaset',
  kind: 'ReplicaSet',
  namespaced: true,
  shortNames: ['rs'],
  categories: ['all'],
  nameRule: subdomainName,
  status: 'separate',
  generation: true,
  scale: scaleOf<ReplicaSet>(),
  fields: { 'status.replicas': (r) => String(r.status?.replicas ?? 0) },
  columns: [
    nameColumn,
    column('Desired', (r) => r.spec.replicas ?? 0, 'How many pods there should be', 'integer'),
    column('Current', (r) => r.status?.replicas ?? 0, 'How many pods there are', 'integer'),
    column('Ready', (r) => r.status?.readyReplicas ?? 0, 'How many of them are ready', 'integer'),
    ageColumn,
    ...templateColumns<ReplicaSet>(({ spec }) => spec),
  ],
  defaults: (r) => ({
    ...r,
    spec: { replicas: 1, ...r.spec, template: defaultPodTemplate(r.spec?.template) },
  }),
  onCreate: (r) => ({ ...r, status: { replicas: 0 } }),
  validate: (r) => validateWorkload(r),
  validateUpdate: (r, old) => immutable('spec.selector', r.spec.selector, old.spec.selector),
})
