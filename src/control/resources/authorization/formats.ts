/** The form of every text of this group's kinds. */
import { type FieldFormats, free } from '../formats/formats.ts'
import { object } from '../formats/words.ts'

const asked = free('what is asked is any text, and kept nowhere')
const selector = { rawSelector: asked }
const resourceAttributes = {
  ...{ namespace: asked, verb: asked, group: asked, version: asked, resource: asked, subresource: asked, name: asked },
}
const status = { reason: asked, evaluationError: asked }

export const authorizationFormats: FieldFormats = {
  'meta/v1.FieldSelectorRequirement': { key: asked, operator: asked, values: asked },
  'authorization/v1.SubjectAccessReview': object,
  'authorization/v1.LocalSubjectAccessReview': object,
  'authorization/v1.SelfSubjectAccessReview': object,
  'authorization/v1.SelfSubjectRulesReview': object,
  'authorization/v1.SubjectAccessReviewSpec': { user: asked, groups: asked, extra: asked, uid: asked },
  'authorization/v1.ResourceAttributes': resourceAttributes,
  'authorization/v1.FieldSelectorAttributes': selector,
  'authorization/v1.LabelSelectorAttributes': selector,
  'authorization/v1.NonResourceAttributes': { path: asked, verb: asked },
  'authorization/v1.SelfSubjectRulesReviewSpec': { namespace: asked },
  'authorization/v1.SubjectAccessReviewStatus': status,
  'authorization/v1.SubjectRulesReviewStatus': { evaluationError: asked },
  'authorization/v1.ResourceRule': { verbs: asked, apiGroups: asked, resources: asked, resourceNames: asked },
  'authorization/v1.NonResourceRule': { verbs: asked, nonResourceURLs: asked },
}
