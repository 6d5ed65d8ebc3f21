/**
 * How a strategic merge patch treats each list (the API types' `patchStrategy` and `patchMergeKey`): facts of the
 * Kubernetes API, by type and field. A list that is not here is replaced whole.
 */

export interface MergeRule {
  /** The field that identifies an item; missing for lists of plain values, which are merged as sets. */
  readonly key?: string
  /** Unlisted fields of the object or item are dropped when the patch says `$retainKeys`. */
  readonly retainKeys?: boolean
}

const by = (key: string): MergeRule => ({ key })
const conditions = by('type')

const rules: Readonly<Record<string, MergeRule>> = {
  'ObjectMeta.ownerReferences': by('uid'),
  'ObjectMeta.finalizers': {},
  'PodSpec.containers': by('name'),
  'PodSpec.initContainers': by('name'),
  'PodSpec.ephemeralContainers': by('name'),
  'PodSpec.volumes': { key: 'name', retainKeys: true },
  'PodSpec.imagePullSecrets': by('name'),
  'PodSpec.hostAliases': by('ip'),
  'PodSpec.topologySpreadConstraints': by('topologyKey'),
  'PodSpec.schedulingGates': by('name'),
  'PodSpec.resourceClaims': { key: 'name', retainKeys: true },
  'PodStatus.conditions': conditions,
  'PodStatus.podIPs': by('ip'),
  'PodStatus.hostIPs': by('ip'),
  'Container.env': by('name'),
  'Container.ports': by('containerPort'),
  'Container.volumeMounts': by('mountPath'),
  'Container.volumeDevices': by('devicePath'),
  'EphemeralContainer.env': by('name'),
  'EphemeralContainer.ports': by('containerPort'),
  'EphemeralContainer.volumeMounts': by('mountPath'),
  'EphemeralContainer.volumeDevices': by('devicePath'),
  'ServiceSpec.ports': by('port'),
  'ServiceStatus.conditions': conditions,
  'NodeSpec.podCIDRs': {},
  'NodeStatus.conditions': conditions,
  'NodeStatus.addresses': by('type'),
  'NamespaceStatus.conditions': conditions,
  'ReplicaSetStatus.conditions': conditions,
  'DeploymentStatus.conditions': conditions,
  'DeploymentSpec.strategy': { retainKeys: true },
}

/** Undefined when the list is replaced whole (or the field is no list). */
export const mergeRuleOf = (type: string, field: string): MergeRule | undefined => rules[`${type}.${field}`]
