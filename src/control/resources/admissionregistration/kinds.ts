import type { ResourceDefinition } from '../definition.ts'
import { validatingAdmissionPolicy, validatingAdmissionPolicyBinding } from './policy.ts'
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from './webhook-configuration.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const admissionregistrationKinds: readonly ResourceDefinition[] = [
  mutatingWebhookConfiguration,
  validatingWebhookConfiguration,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
]
