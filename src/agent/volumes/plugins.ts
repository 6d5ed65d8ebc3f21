/** The kinds of volumes that this node can make, by their field in a pod's spec. */
import { absentPlugin } from './absent.ts'
import { createCsi, csiKind } from './csi.ts'
import type { CsiDrivers } from './csi-drivers.ts'
import { createEmptyDir } from './empty-dir.ts'
import { createFilePlugins, type FilePluginOptions } from './file-plugin.ts'
import { fileVolumeKinds } from './file-volumes.ts'
import { createFlexDrivers, flexFolder } from './flex-driver.ts'
import { createFlexVolume, flexKind } from './flex-volume.ts'
import { hostPath } from './host-path.ts'
import { local } from './local.ts'
import { createNfs } from './nfs.ts'
import { claimed, createPersistentVolumeClaim, ephemeral } from './persistent-volume-claim.ts'
import type { VolumePlugin } from './plugin.ts'

export interface VolumePluginOptions extends FilePluginOptions {
  /** Where the drivers of flexVolume are; the kubelet's folder when missing. */
  readonly flexFolder?: string
  readonly drivers: CsiDrivers
  /** Where CSI drivers stage volumes for all pods of the node. */
  readonly stagingDir: string
}

export const createVolumePlugins = (options: VolumePluginOptions): ReadonlyMap<string, VolumePlugin> => {
  const files = createFilePlugins(options)
  const nfs = createNfs(options.mounts)
  const flex = createFlexVolume(options.client, createFlexDrivers(options.flexFolder ?? flexFolder), options.mounts)
  const csi = createCsi(options)
  const claimable = new Map<string, VolumePlugin>([
    ['hostPath', hostPath],
    ['local', local],
    ['nfs', nfs],
    [flexKind, flex],
    [csiKind, csi],
  ])
  const pluginOf = (kind: string): VolumePlugin => claimable.get(kind) ?? absentPlugin(kind)
  return new Map<string, VolumePlugin>([
    ...fileVolumeKinds.map((kind) => [kind, files(kind)] as const),
    ['emptyDir', createEmptyDir(options.mounts)],
    ['hostPath', hostPath],
    ['persistentVolumeClaim', createPersistentVolumeClaim(options.client, claimed, pluginOf)],
    ['ephemeral', createPersistentVolumeClaim(options.client, ephemeral, pluginOf)],
    ['nfs', nfs],
    [flexKind, flex],
    [csiKind, csi],
  ])
}
