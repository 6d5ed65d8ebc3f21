/** The form of every text of this group's kinds. */
import { type FieldFormats, oneOf } from '../formats/formats.ts'
import { byKind, legacyCondition, object } from '../formats/words.ts'

export const appsFormats: FieldFormats = {
  // Workloads.
  'apps/v1.Deployment': object,
  'apps/v1.DeploymentStrategy': { type: oneOf('Recreate', 'RollingUpdate') },
  'apps/v1.RollingUpdateDeployment': { maxSurge: byKind, maxUnavailable: byKind },
  'apps/v1.DeploymentCondition': legacyCondition,
  'apps/v1.ReplicaSet': object,
  'apps/v1.ReplicaSetCondition': legacyCondition,
}
