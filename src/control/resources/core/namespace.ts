import type { Namespace } from '../../../api/types/index.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define, withMetadata } from '../definition.ts'
import { validateFinalizerNames } from '../metadata.ts'
import { labelName } from '../names.ts'
import { everyVerb } from '../verbs.ts'

/** Removed once the namespace is empty. */
export const namespaceFinalizer = 'kubernetes'

const nameLabel = 'kubernetes.io/metadata.name'

const withOwn = (finalizers: readonly string[]): readonly string[] =>
  finalizers.includes(namespaceFinalizer) ? finalizers : [...finalizers, namespaceFinalizer]

export const namespace = define<Namespace>({
  group: '',
  version: 'v1',
  plural: 'namespaces',
  singular: 'namespace',
  kind: 'Namespace',
  namespaced: false,
  shortNames: ['ns'],
  nameRule: labelName,
  status: 'separate',
  // One at a time: nobody means all of them.
  verbs: everyVerb.filter((verb) => verb !== 'deletecollection'),
  subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  fields: { 'status.phase': (n) => n.status?.phase ?? '' },
  columns: [nameColumn, column('Status', (n) => n.status?.phase ?? '', 'Active, or on its way out'), ageColumn],
  defaults: (n) => ({
    ...withMetadata(n, { labels: { ...n.metadata.labels, [nameLabel]: n.metadata.name } }),
    spec: n.spec ?? {},
  }),
  onCreate: (n) => ({ ...n, spec: { finalizers: withOwn(n.spec?.finalizers ?? []) }, status: { phase: 'Active' } }),
  statusDefaults: (n) => ({ ...n, status: { ...n.status, phase: n.status?.phase || 'Active' } }),
  validate: ({ spec }) => validateFinalizerNames(spec?.finalizers ?? [], () => 'spec.finalizers'),
  adopt: (n, old) => ({ ...n, spec: old.spec ?? {} }),
  isHeld: (n) => (n.spec?.finalizers ?? []).length > 0,
  onDeletion: (n) => ({ ...n, status: { ...n.status, phase: 'Terminating' } }),
})
