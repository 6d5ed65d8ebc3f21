/** The form of every text of this group's kinds. */
import {
  type FieldFormats,
  groupVersion,
  kindName,
  label,
  line,
  objectName,
  oneOf,
  port,
  qualifiedName,
  subdomain,
  urlPath,
  word,
} from '../formats/formats.ts'
import { byKind, message, object } from '../formats/words.ts'

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
  'admissionregistration/v1.ValidatingAdmissionPolicy': object,
  'admissionregistration/v1.ValidatingAdmissionPolicyBinding': object,
  'admissionregistration/v1.ValidatingAdmissionPolicySpec': { failurePolicy: oneOf('Fail', 'Ignore') },
  'admissionregistration/v1.ValidatingAdmissionPolicyBindingSpec': { policyName: subdomain, validationActions: byKind },
  'admissionregistration/v1.ParamKind': { apiVersion: groupVersion, kind: kindName },
  'admissionregistration/v1.ParamRef': { name: objectName, namespace: label, parameterNotFoundAction: byKind },
  'admissionregistration/v1.MatchResources': { matchPolicy: oneOf('Equivalent', 'Exact') },
  'admissionregistration/v1.NamedRuleWithOperations': {
    ...{ apiGroups: word, apiVersions: word, resources: word, resourceNames: word },
    operations: oneOf('*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'),
    scope: oneOf('*', 'Cluster', 'Namespaced'),
  },
  'admissionregistration/v1.Validation': {
    ...{ expression: byKind, messageExpression: byKind, reason: byKind },
    message,
  },
  'admissionregistration/v1.Variable': { name: byKind, expression: byKind },
  'admissionregistration/v1.AuditAnnotation': { key: qualifiedName, valueExpression: byKind },
  'admissionregistration/v1.ExpressionWarning': { fieldRef: line, warning: message },
  'admissionregistration/v1.MatchCondition': {
    expression: byKind,
    name: qualifiedName,
  },
}
