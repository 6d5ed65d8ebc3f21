/** Kinds of volumes that the API accepts and no node of ours makes, with what is to be done about it. */
import type { VolumePlugin } from './plugin.ts'

const gitRepo =
  'volumes of the kind gitRepo are not made: a repository could run programs on the node (CVE-2024-10220). Clone into an emptyDir with git in an init container'

const noPlugin = (kind: string): string =>
  `this node has no plug-in for volumes of the kind ${JSON.stringify(kind)}: use a CSI driver, or one for flexVolume`

/** For each kind without a plug-in of its own; a new kind of the API says so, too. */
export const absentPlugin = (kind: string): VolumePlugin => ({
  prepare: async () => {
    throw new Error(kind === 'gitRepo' ? gitRepo : noPlugin(kind))
  },
})
