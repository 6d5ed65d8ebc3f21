/** The form of every text of this group's kinds. */
import { type FieldFormats, label, oneOf, qualifiedName, word } from '../formats/formats.ts'
import { byKind, legacyCondition, object, status } from '../formats/words.ts'

export const batchFormats: FieldFormats = {
  'batch/v1.Job': object,
  'batch/v1.JobSpec': { completionMode: byKind, managedBy: byKind, podReplacementPolicy: byKind },
  'batch/v1.PodFailurePolicyRule': { action: byKind },
  'batch/v1.PodFailurePolicyOnExitCodesRequirement': { containerName: label, operator: oneOf('In', 'NotIn') },
  'batch/v1.PodFailurePolicyOnPodConditionsPattern': { status, type: qualifiedName },
  'batch/v1.SuccessPolicyRule': { succeededIndexes: byKind },
  'batch/v1.JobStatus': { completedIndexes: word, failedIndexes: word },
  'batch/v1.JobCondition': legacyCondition,
  'batch/v1.UncountedTerminatedPods': { failed: word, succeeded: word },
  'batch/v1.CronJob': object,
  'batch/v1.CronJobSpec': { concurrencyPolicy: byKind, schedule: byKind, timeZone: byKind },
}
