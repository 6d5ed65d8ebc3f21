/** Volumes that are empty when the pod starts, and end with it: on a disk, or in memory with a limit. */
import { chmod, chown, mkdir } from 'node:fs/promises'
import { quantityValue } from '../../api/quantity.ts'
import { textIn } from './fields.ts'
import { memory, type NodeMounts } from './node-mounts.ts'
import type { PreparedVolume, VolumePlugin, VolumeRequest } from './plugin.ts'

const mode = 0o777
const groupMode = 0o2777

/** With a group of the pod's own for its files, what is made in it belongs to that group. */
const share = async (folder: string, { pod }: VolumeRequest): Promise<void> => {
  const { fsGroup } = pod.spec.securityContext ?? {}
  if (fsGroup !== undefined) await chown(folder, process.getuid?.() ?? 0, fsGroup)
  // Whatever the umask is.
  await chmod(folder, fsGroup === undefined ? mode : groupMode)
}

const limitOf = ({ source }: VolumeRequest): number | undefined => {
  const { sizeLimit } = source
  return typeof sizeLimit === 'string' || typeof sizeLimit === 'number' ? quantityValue(sizeLimit) : undefined
}

export const createEmptyDir = (mounts: NodeMounts): VolumePlugin => {
  const place = async (request: VolumeRequest): Promise<string> => {
    const medium = textIn(request.source, 'medium')
    if (medium !== '' && medium !== 'Memory')
      throw new Error(`this node has no storage medium ${JSON.stringify(medium)}`)
    const folder = medium === '' ? request.onDisk : request.inMemory
    await mkdir(folder, { recursive: true })
    if (medium === 'Memory') await mounts.mountSource(memory(limitOf(request)), folder)
    return folder
  }
  return {
    prepare: async (request): Promise<PreparedVolume> => {
      const path = await place(request)
      await share(path, request)
      return { path, kind: 'folder', readOnly: false }
    },
  }
}
