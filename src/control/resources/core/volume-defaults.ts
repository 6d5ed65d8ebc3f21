/** What Kubernetes fills into the volumes of a pod. */
import type { ObjectFieldSelector, ResourceFieldSelector, Volume } from '../../../api/types/kubernetes/core-v1.ts'

const fileMode = 0o644
const tokenSeconds = 3600

interface OfPod {
  readonly fieldRef?: ObjectFieldSelector
  readonly resourceFieldRef?: ResourceFieldSelector
}

/** What a container or a file of a volume is told of its own pod. */
export const defaultOfPod = <T extends OfPod>(source: T): T => ({
  ...source,
  ...(source.fieldRef && { fieldRef: { apiVersion: 'v1', ...source.fieldRef } }),
  ...(source.resourceFieldRef && { resourceFieldRef: { divisor: '0', ...source.resourceFieldRef } }),
})

const files = <T extends { readonly items?: readonly OfPod[] }>(source: T): T =>
  source.items ? { ...source, items: source.items.map(defaultOfPod) } : source

type Projection = NonNullable<Volume['projected']>['sources'][number]

const defaultProjection = (source: Projection): Projection => ({
  ...source,
  ...(source.downwardAPI && { downwardAPI: files(source.downwardAPI) }),
  ...(source.serviceAccountToken && {
    serviceAccountToken: { expirationSeconds: tokenSeconds, ...source.serviceAccountToken },
  }),
})

const withMode = <T extends { readonly defaultMode?: number }>(source: T): T => ({ defaultMode: fileMode, ...source })

const ceph = { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' }

const filled = (volume: Volume): Partial<Volume> => {
  const { hostPath, secret, configMap, downwardAPI, projected, ephemeral, iscsi, azureDisk, rbd, scaleIO } = volume
  const claim = ephemeral?.volumeClaimTemplate
  return {
    ...(hostPath && { hostPath: { type: '', ...hostPath } }),
    ...(secret && { secret: withMode(secret) }),
    ...(configMap && { configMap: withMode(configMap) }),
    ...(downwardAPI && { downwardAPI: files(withMode(downwardAPI)) }),
    ...(projected && {
      projected: { ...withMode(projected), sources: (projected.sources ?? []).map(defaultProjection) },
    }),
    ...(claim && {
      ephemeral: { volumeClaimTemplate: { ...claim, spec: { volumeMode: 'Filesystem', ...claim.spec } } },
    }),
    ...(iscsi && { iscsi: { iscsiInterface: 'default', ...iscsi } }),
    ...(azureDisk && {
      azureDisk: { cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false, ...azureDisk },
    }),
    ...(rbd && { rbd: { ...ceph, ...rbd } }),
    ...(scaleIO && { scaleIO: { storageMode: 'ThinProvisioned', fsType: 'xfs', ...scaleIO } }),
  }
}

/** A volume of no type is an empty folder. */
export const defaultVolume = (volume: Volume): Volume =>
  Object.keys(volume).some((name) => name !== 'name') ? { ...volume, ...filled(volume) } : { ...volume, emptyDir: {} }
