import type { SelfSubjectReview } from '../../../api/types/kubernetes/authentication-v1.ts'
import { nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'

/** Who the caller is, as the server knows them (`kubectl auth whoami`): answered, and kept nowhere. */
export const selfSubjectReview = define<SelfSubjectReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
  kind: 'SelfSubjectReview',
  namespaced: false,
  verbs: ['create'],
  nameRule: subdomainName,
  columns: [nameColumn],
})
