/** The form of every text of this group's kinds. */
import { type FieldFormats, free, oneOf, subdomain } from '../formats/formats.ts'
import { byKind, legacyCondition, object } from '../formats/words.ts'

export const appsFormats: FieldFormats = {
  // Workloads.
  'apps/v1.Deployment': object,
  'apps/v1.DeploymentStrategy': { type: oneOf('Recreate', 'RollingUpdate') },
  'apps/v1.RollingUpdateDeployment': { maxSurge: byKind, maxUnavailable: byKind },
  'apps/v1.DeploymentCondition': legacyCondition,
  'apps/v1.ReplicaSet': object,
  'apps/v1.ReplicaSetCondition': legacyCondition,
  'apps/v1.StatefulSet': object,
  'apps/v1.StatefulSetSpec': { podManagementPolicy: byKind, serviceName: subdomain },
  'apps/v1.StatefulSetUpdateStrategy': { type: byKind },
  'apps/v1.RollingUpdateStatefulSetStrategy': { maxUnavailable: byKind },
  'apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy': { whenDeleted: byKind, whenScaled: byKind },
  'apps/v1.StatefulSetStatus': { currentRevision: subdomain, updateRevision: subdomain },
  'apps/v1.StatefulSetCondition': legacyCondition,
  'apps/v1.DaemonSet': object,
  'apps/v1.DaemonSetUpdateStrategy': { type: byKind },
  'apps/v1.RollingUpdateDaemonSet': { maxSurge: byKind, maxUnavailable: byKind },
  'apps/v1.DaemonSetCondition': legacyCondition,
  'apps/v1.ControllerRevision': {
    ...object,
    data: free('what its owner knows of a template of the past: kept, and read as a template by nobody else'),
  },
}
