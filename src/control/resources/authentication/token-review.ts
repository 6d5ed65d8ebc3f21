import type { TokenReview } from '../../../api/types/kubernetes/authentication-v1.ts'
import { nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'

/** A question that is answered, and kept nowhere. */
export const tokenReview = define<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'tokenreviews',
  singular: 'tokenreview',
  kind: 'TokenReview',
  namespaced: false,
  verbs: ['create'],
  nameRule: subdomainName,
  columns: [nameColumn],
})
