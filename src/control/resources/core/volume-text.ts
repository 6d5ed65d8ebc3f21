/** What volumes and claims have in common: their modes, and how tables show them. */
import { type FieldError, notSupported } from '../../../api/errors.ts'

const accessModes = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
] as const

/** `RWO,ROX` */
export const accessModesText = (modes: readonly string[] = []): string =>
  accessModes.flatMap(([mode, short]) => (modes.includes(mode) ? [short] : [])).join(',')

const knownModes = accessModes.map(([mode]): string => mode).sort()

/** Kubernetes names the list. */
export const validateAccessModes = (modes: readonly string[]): FieldError[] =>
  modes.flatMap((mode) => (knownModes.includes(mode) ? [] : [notSupported('spec.accessModes', mode, knownModes)]))

export const volumeModes = ['Block', 'Filesystem']

export const volumeClassAnnotation = 'volume.beta.kubernetes.io/storage-class'
