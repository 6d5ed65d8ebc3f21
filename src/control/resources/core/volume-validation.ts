/** The volumes of a pod: one source each, and what every source needs. */

import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from '../../../api/errors.ts'
import { checkQualifiedName } from '../../../api/names.ts'
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  ObjectFieldSelector,
  ProjectedVolumeSource,
  ResourceFieldSelector,
  Volume,
  VolumeProjection,
} from '../../../api/types/kubernetes/core-v1.ts'
import { validateDriverName } from '../driver-name.ts'
import { checkLabel, ifWrong } from '../names.ts'
import { repeatedAt } from '../repeated.ts'

/** Below a folder, and not out of it again. */
export const validateDescendingPath = (path: string, field: string): FieldError[] => [
  ...(path.startsWith('/') ? [invalidValue(field, path, 'must be a relative path')] : []),
  ...(path.split('/').includes('..') ? [invalidValue(field, path, "must not contain '..'")] : []),
]

/** Names that begin with two dots are the kubelet's own. */
const validateFilePath = (path: string | undefined, field: string): FieldError[] => [
  ...(path ? [] : [required(field)]),
  ...validateDescendingPath(path ?? '', field),
  ...(path?.startsWith('..') && !path.startsWith('../') ? [invalidValue(field, path, "must not start with '..'")] : []),
]

const validateMode = (mode: number | undefined, field: string): FieldError[] =>
  mode === undefined || (mode >= 0 && mode <= 0o777)
    ? []
    : [invalidValue(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]

const validateItem = ({ key, path, mode }: KeyToPath, field: string): FieldError[] => [
  ...(key ? [] : [required(`${field}.key`)]),
  ...validateFilePath(path, `${field}.path`),
  ...validateMode(mode, `${field}.mode`),
]

const selectableFields = [
  ...['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'],
  ...['spec.host', 'spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName'],
  ...['status.hostIP', 'status.hostIPs', 'status.phase', 'status.podIP', 'status.podIPs'],
]

/** `metadata.labels['app']`. `supported`: what may stand there without a key. */
export const validateFieldRef = (
  { apiVersion, fieldPath }: ObjectFieldSelector,
  supported: readonly string[],
  field: string,
): FieldError[] => {
  if (!fieldPath) return [required(`${field}.fieldPath`)]
  const wrong = (why: string) => [invalidValue(`${field}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`)]
  if (apiVersion !== 'v1') return wrong(`unsupported pod version: ${apiVersion}`)
  const [, map, key] = /^([^']+?)\['(.*)'\]$/s.exec(fieldPath) ?? []
  if (map !== undefined && key !== undefined) {
    if (map !== 'metadata.annotations' && map !== 'metadata.labels')
      return wrong(`field label does not support subscript: ${fieldPath}`)
    const name = map === 'metadata.annotations' ? key.toLowerCase() : key
    return ifWrong(checkQualifiedName(name), field, key)
  }
  if (!selectableFields.includes(fieldPath)) return wrong(`field label not supported: ${fieldPath}`)
  return supported.includes(fieldPath) ? [] : [notSupported(`${field}.fieldPath`, fieldPath, [...supported].sort())]
}

const amounts = ['cpu', 'ephemeral-storage', 'memory']
const containerAmounts = ['limits', 'requests'].flatMap((of) => amounts.map((amount) => `${of}.${amount}`))
const hugePages = /^(limits|requests)\.hugepages-/

const byteDivisors = '1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei'

const divisorsOf = (resource: string): readonly [allowed: string, message: string] | undefined => {
  const bytes = (of: string) =>
    [byteDivisors, `only divisor's values ${byteDivisors} are supported with the ${of} resource`] as const
  if (hugePages.test(resource)) return bytes('hugepages')
  switch (resource.slice(resource.indexOf('.') + 1)) {
    case 'cpu':
      return ['1m, 1', "only divisor's values 1m and 1 are supported with the cpu resource"]
    case 'memory':
      return bytes('memory')
    case 'ephemeral-storage':
      return bytes('local ephemeral storage')
    default:
      return undefined
  }
}

const validateDivisor = ({ resource, divisor = '0' }: ResourceFieldSelector, field: string): FieldError[] => {
  const divisors = divisorsOf(resource ?? '')
  if (!divisors || divisor === '0' || divisors[0].split(', ').includes(divisor)) return []
  return [invalidValue(`${field}.divisor`, resource, divisors[1])]
}

/** `limits.cpu`. In a volume it has to be said of which container. */
export const validateResourceRef = (
  reference: ResourceFieldSelector,
  use: 'env' | 'volume',
  field: string,
): FieldError[] => {
  const { containerName, resource } = reference
  const wrong = (): FieldError[] => {
    if (use === 'volume' && !containerName) return [required(`${field}.containerName`)]
    if (!resource) return [required(`${field}.resource`)]
    return containerAmounts.includes(resource) || hugePages.test(resource)
      ? []
      : [notSupported(`${field}.resource`, resource, containerAmounts)]
  }
  return [...wrong(), ...validateDivisor(reference, field)]
}

const volumeFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']

/** Kubernetes names these files without their places. */
const validateFile = (
  { path, fieldRef, resourceFieldRef, mode }: DownwardAPIVolumeFile,
  field: string,
): FieldError[] => [
  ...validateFilePath(path, `${field}.path`),
  ...(fieldRef ? validateFieldRef(fieldRef, volumeFields, `${field}.fieldRef`) : []),
  ...(fieldRef && resourceFieldRef
    ? [invalidValue(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')]
    : []),
  ...(!fieldRef && resourceFieldRef
    ? validateResourceRef(resourceFieldRef, 'volume', `${field}.resourceFieldRef`)
    : []),
  ...(fieldRef || resourceFieldRef ? [] : [required(field, 'one of fieldRef and resourceFieldRef is required')]),
  ...validateMode(mode, `${field}.mode`),
]

const shortestToken = 600
const longestToken = 2 ** 32

const validateToken = (
  { expirationSeconds = 0, path }: NonNullable<VolumeProjection['serviceAccountToken']>,
  field: string,
  volume: string,
): FieldError[] => [
  ...(expirationSeconds < shortestToken
    ? [invalidValue(`${field}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes')]
    : []),
  ...(expirationSeconds > longestToken
    ? [
        invalidValue(
          `${field}.expirationSeconds`,
          expirationSeconds,
          'may not specify a duration larger than 2^32 seconds',
        ),
      ]
    : []),
  ...(path ? [] : [required(`${volume}.path`)]),
]

const projectionTypes = [
  ...(['secret', 'configMap', 'downwardAPI', 'serviceAccountToken'] as const),
  ...(['clusterTrustBundle', 'podCertificate'] as const),
] as const

const validateProjection = (source: VolumeProjection, field: string, volume: string): FieldError[] => {
  const { downwardAPI, serviceAccountToken } = source
  const named = (['secret', 'configMap'] as const).flatMap((type) => {
    const projection = source[type]
    if (!projection) return []
    return [
      ...(projection.name ? [] : [required(`${field}.${type}.name`)]),
      ...(projection.items ?? []).flatMap((item, at) => validateItem(item, `${field}.${type}.items[${at}]`)),
    ]
  })
  return [
    ...named,
    ...(downwardAPI?.items ?? []).flatMap((file) => validateFile(file, `${field}.downwardAPI`)),
    ...(serviceAccountToken ? validateToken(serviceAccountToken, `${field}.serviceAccountToken`, volume) : []),
    ...(projectionTypes.filter((type) => source[type]).length > 1
      ? [forbiddenField(field, 'may not specify more than 1 volume type')]
      : []),
  ]
}

/** The files of a projected volume, and from where each comes. */
const projectedFiles = (
  sources: readonly VolumeProjection[],
): readonly { readonly path: string; readonly of: string }[] =>
  sources.flatMap(({ secret, configMap, downwardAPI }) => [
    ...[secret, configMap].flatMap((source) =>
      (source?.items ?? []).map(({ path = '' }) => ({ path, of: source?.name ?? '' })),
    ),
    ...(downwardAPI?.items ?? []).map(({ path = '' }) => ({ path, of: path })),
  ])

const validateProjected = ({ sources = [], defaultMode }: ProjectedVolumeSource, field: string): FieldError[] => {
  const paths = projectedFiles(sources).filter(({ path }) => path !== '')
  return [
    ...validateMode(defaultMode, `${field}.defaultMode`),
    ...sources.flatMap((source, at) => validateProjection(source, `${field}.sources[${at}]`, field)),
    ...repeatedAt(paths.map(({ path }) => path)).map((at) =>
      invalidValue(field, paths[at]?.of, 'conflicting duplicate paths'),
    ),
  ]
}

const validateItems = (
  { items = [], defaultMode }: { readonly items?: readonly KeyToPath[]; readonly defaultMode?: number },
  field: string,
): FieldError[] => [
  ...validateMode(defaultMode, `${field}.defaultMode`),
  ...items.flatMap((item, at) => validateItem(item, `${field}.items[${at}]`)),
]

const validateHostPath = ({ path }: NonNullable<Volume['hostPath']>, field: string): FieldError[] => {
  if (!path) return [required(`${field}.path`)]
  return path.split('/').includes('..') ? [invalidValue(`${field}.path`, path, "must not contain '..'")] : []
}

const validateNfs = ({ server, path }: NonNullable<Volume['nfs']>, field: string): FieldError[] => [
  ...(server ? [] : [required(`${field}.server`)]),
  ...(path ? [] : [required(`${field}.path`)]),
  ...(path?.startsWith('/') ? [] : [invalidValue(`${field}.path`, path ?? '', 'must be an absolute path')]),
]

/** In the order in which Kubernetes looks for them. */
const types = [
  ...(['emptyDir', 'hostPath', 'gitRepo', 'gcePersistentDisk', 'awsElasticBlockStore', 'secret', 'nfs'] as const),
  ...(['iscsi', 'glusterfs', 'flocker', 'persistentVolumeClaim', 'rbd', 'cinder', 'cephfs', 'quobyte'] as const),
  ...(['downwardAPI', 'fc', 'flexVolume', 'configMap', 'azureFile', 'vsphereVolume'] as const),
  ...(['photonPersistentDisk', 'portworxVolume', 'azureDisk', 'storageos', 'projected', 'scaleIO', 'csi'] as const),
  ...(['ephemeral', 'image'] as const),
] as const
type VolumeType = (typeof types)[number]

/** What sources need that Podway does not mount. */
const needed: Partial<Readonly<Record<VolumeType, readonly string[]>>> = {
  awsElasticBlockStore: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  azureFile: ['secretName', 'shareName'],
  cephfs: ['monitors'],
  cinder: ['volumeID'],
  flexVolume: ['driver'],
  gcePersistentDisk: ['pdName'],
  gitRepo: ['repository'],
  glusterfs: ['endpoints', 'path'],
  iscsi: ['targetPortal', 'iqn'],
  persistentVolumeClaim: ['claimName'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  quobyte: ['registry', 'volume'],
  rbd: ['monitors', 'image'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  storageos: ['volumeName'],
  vsphereVolume: ['volumePath'],
  ephemeral: ['volumeClaimTemplate'],
}

const isEmpty = (value: unknown): boolean => !value || (Array.isArray(value) && value.length === 0)

const validateNeeded = (type: VolumeType, volume: Volume, field: string): FieldError[] => {
  const values: Readonly<Record<string, unknown>> = { ...volume[type] }
  return (needed[type] ?? []).filter((name) => isEmpty(values[name])).map((name) => required(`${field}.${name}`))
}

const validateSource = (type: VolumeType, volume: Volume, field: string): FieldError[] => {
  const { hostPath, nfs, secret, configMap, downwardAPI, projected, csi, emptyDir } = volume
  switch (type) {
    case 'emptyDir':
      return emptyDir?.sizeLimit?.startsWith('-')
        ? [forbiddenField(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
        : []
    case 'hostPath':
      return hostPath ? validateHostPath(hostPath, field) : []
    case 'nfs':
      return nfs ? validateNfs(nfs, field) : []
    case 'secret':
      return [...(secret?.secretName ? [] : [required(`${field}.secretName`)]), ...validateItems(secret ?? {}, field)]
    case 'configMap':
      return [...(configMap?.name ? [] : [required(`${field}.name`)]), ...validateItems(configMap ?? {}, field)]
    case 'downwardAPI':
      return [
        ...validateMode(downwardAPI?.defaultMode, `${field}.defaultMode`),
        ...(downwardAPI?.items ?? []).flatMap((file) => validateFile(file, field)),
      ]
    case 'projected':
      return projected ? validateProjected(projected, field) : []
    case 'csi':
      return validateDriverName(csi?.driver ?? '', `${field}.driver`)
    default:
      return validateNeeded(type, volume, field)
  }
}

const validateVolume = (volume: Volume, field: string): FieldError[] => {
  const { name } = volume
  const [first, ...more] = types.filter((type) => volume[type] !== undefined)
  return [
    ...(first === undefined
      ? [required(field, 'must specify a volume type')]
      : validateSource(first, volume, `${field}.${first}`)),
    ...more.map((type) => forbiddenField(`${field}.${type}`, 'may not specify more than 1 volume type')),
    ...(name ? ifWrong(checkLabel(name), `${field}.name`, name) : [required(`${field}.name`)]),
  ]
}

export interface CheckedVolumes {
  readonly errors: readonly FieldError[]
  /** Those with nothing wrong, which containers may mount. */
  readonly usable: ReadonlyMap<string, Volume>
}

export const validateVolumes = (volumes: readonly Volume[], path: string): CheckedVolumes => {
  const usable = new Map<string, Volume>()
  const errors = volumes.flatMap((volume, at) => {
    const field = `${path}[${at}]`
    const found = [
      ...validateVolume(volume, field),
      ...(usable.has(volume.name) ? [duplicate(`${field}.name`, volume.name)] : []),
    ]
    if (found.length === 0) usable.set(volume.name, volume)
    return found
  })
  return { errors, usable }
}
