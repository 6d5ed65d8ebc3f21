/** Which volumes a container sees, and where. Pure. */
import { posix } from 'node:path'
import { allContainers, withEphemeralContainers } from '../../api/pods.ts'
import type { Container, EphemeralContainer, Pod, StringMap } from '../../api/types/index.ts'
import type { Capabilities, Feature } from '../runtime/capabilities.ts'
import type { Mount } from '../runtime/mounts.ts'

export interface VolumeMount {
  readonly volume: string
  readonly path: string
  readonly readOnly: boolean
  /** Empty for all of the volume. */
  readonly subPath: string
  readonly propagation?: Mount['propagation']
}

const propagations: Readonly<Record<string, Mount['propagation']>> = {
  HostToContainer: 'host-to-container',
  Bidirectional: 'bidirectional',
}

const propagationFeatures: Readonly<Record<NonNullable<Mount['propagation']>, Feature>> = {
  ...{ 'host-to-container': 'mounts-of-node', bidirectional: 'mount-propagation' },
}

type ApiMount = NonNullable<Container['volumeMounts']>[number]

/** Where in a container; undefined for what is no place for a volume. */
const placeOf = ({ mountPath }: ApiMount): string | undefined => {
  if (/[\0\n]/.test(mountPath) || mountPath.split('/').includes('..')) return undefined
  const clean = posix.normalize(`/${mountPath}`).replace(/(?<=.)\/$/, '')
  return clean === '/' ? undefined : clean
}

/** `$(NAME)` filled in; throws an Error that names a variable that is not set. */
const filledIn = (text: string, env: StringMap): string =>
  text.replace(/\$(\$|\(([-._a-zA-Z][-._a-zA-Z0-9]*)\))/g, (_all, what: string, name: string | undefined) => {
    if (name === undefined) return what
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    if (value === undefined) throw new Error(`missing value for ${JSON.stringify(name)} in subPathExpr ${text}`)
    return value
  })

const readMount = (mount: ApiMount, path: string, env: StringMap): VolumeMount => {
  const { subPath = '', subPathExpr = '', mountPropagation = '', readOnly = false } = mount
  const propagation = propagations[mountPropagation]
  return {
    ...{ volume: mount.name, path, readOnly },
    subPath: subPathExpr === '' ? subPath : filledIn(subPathExpr, env),
    ...(propagation ? { propagation } : {}),
  }
}

/** Throws an Error for a `subPathExpr` with a variable that `env` has not. */
export const volumeMountsOf = ({ volumeMounts = [] }: Container, env: StringMap): readonly VolumeMount[] =>
  volumeMounts.flatMap((mount) => {
    const path = placeOf(mount)
    return path === undefined ? [] : [readMount(mount, path, env)]
  })

const withoutExpressions = ({ volumeMounts = [] }: Container): readonly ApiMount[] =>
  volumeMounts.filter(({ subPathExpr = '' }) => subPathExpr === '')

/** Where all containers share a root: every mount of any of them, once. */
export const sharedMountsOf = (pod: Pod): readonly VolumeMount[] => [
  ...new Map(
    allContainers(pod)
      .flatMap((container) => volumeMountsOf({ ...container, volumeMounts: withoutExpressions(container) }, {}))
      .map((mount) => [mount.path, mount]),
  ).values(),
]

/** The names of the volumes that some container uses: the others are not made. */
export const usedVolumes = (pod: Pod): ReadonlySet<string> =>
  new Set(
    withEphemeralContainers(pod).flatMap(({ volumeMounts = [], volumeDevices = [] }) =>
      [...volumeMounts, ...volumeDevices].map(({ name }) => name),
    ),
  )

/** Whether some container mounts less than a whole volume. */
export const usesParts = (pod: Pod): boolean =>
  allContainers(pod).some(({ volumeMounts = [] }) =>
    volumeMounts.some(({ subPath = '', subPathExpr = '' }) => subPath !== '' || subPathExpr !== ''),
  )

const isBelow = (path: string, folder: string): boolean => path.startsWith(`${folder}/`)

/** Two mounts at one place that a shared root cannot both have. */
const clashes = (a: VolumeMount, b: VolumeMount): boolean =>
  a.volume !== b.volume || a.subPath !== b.subPath || a.readOnly !== b.readOnly

/** The lists of mounts that this runtime cannot make all of, as `spec.containers[0].volumeMounts`. */
export const mountsBeyond = (pod: Pod, { features }: Capabilities): ReadonlySet<string> => {
  const beyond = new Set<string>()
  const places = new Map<string, VolumeMount>()
  const check = (mount: ApiMount, field: string): void => {
    const path = placeOf(mount)
    const isShared = !features.has('images')
    if (path === undefined || (isShared && (mount.subPathExpr ?? '') !== '')) return void beyond.add(field)
    const read = readMount({ ...mount, subPathExpr: '' }, path, {})
    if (read.propagation && !features.has(propagationFeatures[read.propagation])) beyond.add(field)
    const before = places.get(path)
    if (isShared && before && clashes(before, read)) beyond.add(field)
    if (isShared && [...places.keys()].some((other) => isBelow(path, other) || isBelow(other, path))) beyond.add(field)
    if (!before) places.set(path, read)
  }
  for (const list of ['initContainers', 'containers'] as const)
    for (const [at, { volumeMounts = [] }] of (pod.spec[list] ?? []).entries())
      for (const mount of volumeMounts) check(mount, `spec.${list}[${at}].volumeMounts`)
  return beyond
}

/** Of a container that is added to a pod that runs: where all share a root, it sees what is there, and where it is. */
export const canSeeMounts = (pod: Pod, container: EphemeralContainer, { features }: Capabilities): boolean => {
  const shared = new Map(sharedMountsOf(pod).map((mount) => [mount.path, mount]))
  return (container.volumeMounts ?? []).every((mount) => {
    const path = placeOf(mount)
    if (path === undefined || (mount.subPathExpr ?? '') !== '') return false
    const wanted = readMount(mount, path, {})
    if (wanted.propagation && !features.has(propagationFeatures[wanted.propagation])) return false
    const there = shared.get(path)
    return features.has('images') || (there !== undefined && !clashes(there, wanted))
  })
}
