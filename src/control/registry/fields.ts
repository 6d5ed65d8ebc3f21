/**
 * The form of every text of every kind, by type and field of the schema. Every text that may stand in an object is somebody's
 * attack until it has a form: a field without an entry here fails the tests. What only belongs together (a range within
 * another, a name that must not repeat) is checked by the kind itself.
 */
import { admissionregistrationFormats } from '../resources/admissionregistration/formats.ts'
import { apiextensionsFormats } from '../resources/apiextensions/formats.ts'
import { apiregistrationFormats } from '../resources/apiregistration/formats.ts'
import { appsFormats } from '../resources/apps/formats.ts'
import { authenticationFormats } from '../resources/authentication/formats.ts'
import { authorizationFormats } from '../resources/authorization/formats.ts'
import { autoscalingFormats } from '../resources/autoscaling/formats.ts'
import { batchFormats } from '../resources/batch/formats.ts'
import { certificatesFormats } from '../resources/certificates/formats.ts'
import { coordinationFormats } from '../resources/coordination/formats.ts'
import { coreFormats } from '../resources/core/formats.ts'
import { discoveryFormats } from '../resources/discovery/formats.ts'
import type { FieldFormats } from '../resources/formats/formats.ts'
import { metaFormats } from '../resources/meta/formats.ts'
import { metricsFormats } from '../resources/metrics/formats.ts'
import { networkingFormats } from '../resources/networking/formats.ts'
import { nodeFormats } from '../resources/node/formats.ts'
import { policyFormats } from '../resources/policy/formats.ts'
import { rbacFormats } from '../resources/rbac/formats.ts'
import { schedulingFormats } from '../resources/scheduling/formats.ts'
import { storageFormats } from '../resources/storage/formats.ts'

export const fieldFormats: FieldFormats = {
  ...admissionregistrationFormats,
  ...apiextensionsFormats,
  ...apiregistrationFormats,
  ...appsFormats,
  ...authenticationFormats,
  ...authorizationFormats,
  ...autoscalingFormats,
  ...batchFormats,
  ...certificatesFormats,
  ...coordinationFormats,
  ...coreFormats,
  ...discoveryFormats,
  ...metaFormats,
  ...metricsFormats,
  ...networkingFormats,
  ...nodeFormats,
  ...rbacFormats,
  ...schedulingFormats,
  ...storageFormats,
  ...policyFormats,
}
