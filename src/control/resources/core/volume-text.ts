/** How tables show volumes and claims. */

const accessModes = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
] as const

/** `RWO,ROX` */
export const accessModesText = (modes: readonly string[] = []): string =>
  accessModes.flatMap(([mode, short]) => (modes.includes(mode) ? [short] : [])).join(',')

export const volumeClassAnnotation = 'volume.beta.kubernetes.io/storage-class'
