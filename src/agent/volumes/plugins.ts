/** The kinds of volumes that this node can make, by their field in a pod's spec. */
import { createEmptyDir } from './empty-dir.ts'
import { createFilePlugins, type FilePluginOptions } from './file-plugin.ts'
import { fileVolumeKinds } from './file-volumes.ts'
import { hostPath } from './host-path.ts'
import { claimed, createPersistentVolumeClaim, ephemeral } from './persistent-volume-claim.ts'
import type { VolumePlugin } from './plugin.ts'

export const createVolumePlugins = (options: FilePluginOptions): ReadonlyMap<string, VolumePlugin> => {
  const files = createFilePlugins(options)
  return new Map<string, VolumePlugin>([
    ...fileVolumeKinds.map((kind) => [kind, files(kind)] as const),
    ['emptyDir', createEmptyDir(options.mounts)],
    ['hostPath', hostPath],
    ['persistentVolumeClaim', createPersistentVolumeClaim(options.client, claimed)],
    ['ephemeral', createPersistentVolumeClaim(options.client, ephemeral)],
  ])
}
