/** Volumes that are claimed: found by their claim, and made by the plug-in of their kind. */
import type { Client } from '../../api/client.ts'
import { isNotFound } from '../../api/errors.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { allContainers } from '../../api/pods.ts'
import { persistentVolumeClaims, persistentVolumes, type Resource } from '../../api/resources.ts'
import type { KubeObject, Pod } from '../../api/types/index.ts'
import type { PersistentVolume } from '../../api/types/kubernetes/core-v1.ts'
import { textIn } from './fields.ts'
import type { PreparedVolume, VolumePlugin, VolumeRequest } from './plugin.ts'

const ownFields = new Set([
  ...['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy'],
  ...['storageClassName', 'volumeMode', 'volumeAttributesClassName'],
])

/** Where the data is: the kind, and what it says. */
const sourceOf = ({ spec }: PersistentVolume): readonly [kind: string, source: JsonObject] => {
  for (const [field, value] of Object.entries(spec))
    if (!ownFields.has(field) && isJsonObject(value)) return [field, value]
  return ['', {}]
}

/** Whether containers see it as a device, and whether the volume is one, have to agree. */
const checkMode = ({ spec, metadata }: PersistentVolume, { pod, name }: VolumeRequest): void => {
  const isBlock = spec.volumeMode === 'Block'
  const uses = (field: 'volumeMounts' | 'volumeDevices'): boolean =>
    allContainers(pod).some((container) => container[field]?.some((each) => each.name === name))
  if (uses(isBlock ? 'volumeMounts' : 'volumeDevices'))
    throw new Error(
      `volume ${metadata.name} has volumeMode ${isBlock ? 'Block' : 'Filesystem'}, but is specified in ${isBlock ? 'volumeMounts' : 'volumeDevices'}`,
    )
}

/** By whose name a pod has a claim: one that is there, or one that was made for this pod alone. */
type ClaimName = (request: VolumeRequest) => string

export const claimed: ClaimName = ({ source }) => textIn(source, 'claimName')
export const ephemeral: ClaimName = ({ pod, name }) => `${pod.metadata.name}-${name}`

/** `pluginOf`: what makes volumes of a kind. */
export const createPersistentVolumeClaim = (
  client: Client,
  nameOf: ClaimName,
  pluginOf: (kind: string) => VolumePlugin,
): VolumePlugin => {
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
      const claimed = await boundTo(request.pod, nameOf(request))
      checkMode(claimed, request)
      const [kind, source] = sourceOf(claimed)
      const prepared = await pluginOf(kind).prepare({ ...request, source, claimed })
      return { ...prepared, readOnly: prepared.readOnly || request.source['readOnly'] === true }
    },
  }
}
