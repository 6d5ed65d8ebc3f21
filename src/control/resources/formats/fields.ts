/**
 * The form of every text of every kind, by type and field of the schema. Every text that may stand in an object is somebody's
 * attack until it has a form: a field without an entry here fails the tests. What only belongs together (a range within
 * another, a name that must not repeat) is checked by the kind itself.
 */
import { admissionregistrationFormats } from '../admissionregistration/formats.ts'
import { appsFormats } from '../apps/formats.ts'
import { autoscalingFormats } from '../autoscaling/formats.ts'
import { batchFormats } from '../batch/formats.ts'
import { certificatesFormats } from '../certificates/formats.ts'
import { coordinationFormats } from '../coordination/formats.ts'
import { coreFormats } from '../core/formats.ts'
import { discoveryFormats } from '../discovery/formats.ts'
import { gatewayFormats } from '../gateway/formats.ts'
import { metaFormats } from '../meta/formats.ts'
import { networkingFormats } from '../networking/formats.ts'
import { nodeFormats } from '../node/formats.ts'
import { policyFormats } from '../policy/formats.ts'
import { rbacFormats } from '../rbac/formats.ts'
import { schedulingFormats } from '../scheduling/formats.ts'
import { storageFormats } from '../storage/formats.ts'
import type { FieldFormats } from './formats.ts'

export const fieldFormats: FieldFormats = {
  ...admissionregistrationFormats,
  ...appsFormats,
  ...autoscalingFormats,
  ...batchFormats,
  ...certificatesFormats,
  ...coordinationFormats,
  ...coreFormats,
  ...discoveryFormats,
  ...gatewayFormats,
  ...metaFormats,
  ...networkingFormats,
  ...nodeFormats,
  ...rbacFormats,
  ...schedulingFormats,
  ...storageFormats,
  ...policyFormats,
}
