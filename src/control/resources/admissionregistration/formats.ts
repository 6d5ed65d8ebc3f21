/** The form of every text of this group's kinds. */
import { type FieldFormats, label, oneOf, port, qualifiedName, urlPath, word } from '../formats/formats.ts'
import { byKind, object } from '../formats/words.ts'

const webhook = {
  admissionReviewVersions: byKind,
  failurePolicy: oneOf('Fail', 'Ignore'),
  matchPolicy: oneOf('Equivalent', 'Exact'),
  name: byKind,
  sideEffects: byKind,
}

export const admissionregistrationFormats: FieldFormats = {
  'admissionregistration/v1.MutatingWebhookConfiguration': object,
  'admissionregistration/v1.MutatingWebhook': { ...webhook, reinvocationPolicy: oneOf('IfNeeded', 'Never') },
  'admissionregistration/v1.ValidatingWebhookConfiguration': object,
  'admissionregistration/v1.ValidatingWebhook': webhook,
  'admissionregistration/v1.WebhookClientConfig': { url: byKind },
  'admissionregistration/v1.ServiceReference': { name: label, namespace: label, path: urlPath, port },
  'admissionregistration/v1.RuleWithOperations': {
    ...{ apiGroups: word, apiVersions: word, resources: word },
    operations: oneOf('*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'),
    scope: oneOf('*', 'Cluster', 'Namespaced'),
  },
  'admissionregistration/v1.MatchCondition': {
    expression: byKind,
    name: qualifiedName,
  },
}
