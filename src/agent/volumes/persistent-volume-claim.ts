/** Volumes that are claimed: those that are a folder or a device of this node. */
import type { Client } from '../../api/client.ts'
import { isNotFound } from '../../api/errors.ts'
import { persistentVolumeClaims, persistentVolumes, type Resource } from '../../api/resources.ts'
import type { KubeObject, Pod } from '../../api/types/index.ts'
import type { PersistentVolume } from '../../api/types/kubernetes/core-v1.ts'
import { textIn } from './fields.ts'
import { prepareHostPath } from './host-path.ts'
import type { PreparedVolume, VolumePlugin, VolumeRequest } from './plugin.ts'

const ownFields = new Set([
  ...['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy'],
  ...['storageClassName', 'volumeMode', 'volumeAttributesClassName'],
])

const kindOf = ({ spec }: PersistentVolume): string => Object.keys(spec).find((field) => !ownFields.has(field)) ?? ''

const placeOf = (volume: PersistentVolume): { readonly path: string; readonly type: string } => {
  const { hostPath, local } = volume.spec
  if (hostPath) return { path: hostPath.path, type: hostPath.type ?? '' }
  // Somebody has made it before, and tells so by the volume.
  if (local) return { path: local.path, type: volume.spec.volumeMode === 'Block' ? 'BlockDevice' : 'Directory' }
  throw new Error(`this node has no plug-in for persistent volumes of the kind ${JSON.stringify(kindOf(volume))}`)
}

/** By whose name a pod has a claim: one that is there, or one that was made for this pod alone. */
type ClaimName = (request: VolumeRequest) => string

export const claimed: ClaimName = ({ source }) => textIn(source, 'claimName')
export const ephemeral: ClaimName = ({ pod, name }) => `${pod.metadata.name}-${name}`

export const createPersistentVolumeClaim = (client: Client, nameOf: ClaimName): VolumePlugin => {
  const find = async <T extends KubeObject>(resource: Resource<T>, name: string, namespace?: string): Promise<T> => {
    try {
      return await client.get(resource, name, namespace)
    } catch (error) {
      if (isNotFound(error)) throw new Error(`${resource.kind.toLowerCase()} ${JSON.stringify(name)} not found`)
      throw error
    }
  }

  const boundTo = async (pod: Pod, name: string): Promise<PersistentVolume> => {
    const { namespace = '', uid } = pod.metadata
    const claim = await find(persistentVolumeClaims, name, namespace)
    const isOwned = claim.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid)
    if (nameOf === ephemeral && !isOwned)
      throw new Error(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name}`)
    const { volumeName = '' } = claim.spec
    if (volumeName === '' || claim.status?.phase !== 'Bound')
      throw new Error(`error processing PVC ${namespace}/${name}: PVC is not bound`)
    const volume = await find(persistentVolumes, volumeName)
    // Whoever names somebody else's volume in a claim does not have it.
    if (volume.spec.claimRef?.uid !== claim.metadata.uid)
      throw new Error(`error processing PVC ${namespace}/${name}: PV ${volumeName} is bound to another claim`)
    return volume
  }

  return {
    prepare: async (request): Promise<PreparedVolume> => {
      const { pod, source } = request
      const volume = await boundTo(pod, nameOf(request))
      const { path, type } = placeOf(volume)
      const prepared = await prepareHostPath(path, type)
      return { ...prepared, readOnly: source['readOnly'] === true }
    },
  }
}
