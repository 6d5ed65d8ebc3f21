/** Claimed volumes that are a folder, or a device, of this node. Somebody has made it before, and tells so by the volume. */
import { textIn } from './fields.ts'
import { shareWithGroup } from './fs-group.ts'
import { prepareHostPath } from './host-path.ts'
import type { VolumePlugin } from './plugin.ts'

export const local: VolumePlugin = {
  prepare: async ({ pod, source, claimed }) => {
    const isBlock = claimed?.spec.volumeMode === 'Block'
    const prepared = await prepareHostPath(textIn(source, 'path'), isBlock ? 'BlockDevice' : 'Directory')
    if (!isBlock) await shareWithGroup(prepared.path, pod, 'write')
    return prepared
  },
}
