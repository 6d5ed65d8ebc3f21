/** From a pod's container to what the runtime is told to start. Pure. */
import { quantityMilli, quantityValue } from '../../api/quantity.ts'
import type { Container, Pod, StringMap } from '../../api/types/index.ts'
import { ConfigError, containerCommand } from '../env/container-env.ts'
import type { ContainerLimits, ContainerSpec } from '../runtime/containers.ts'
import type { Image } from '../runtime/images.ts'
import { changedCapabilities } from '../runtime/linux-capabilities.ts'
import type { AppArmorProfile, ContainerSecurity, ContainerUser, SeccompProfile } from '../runtime/security.ts'
import { oomScoreAdjustment, type QosClass } from './oom-score.ts'

/** There is no telling what the container should run. */
export class NoCommandError extends Error {
  override readonly name = 'NoCommandError'
}

/** An image's user, as far as it is told by numbers. */
const imageUid = (user: string): number | undefined => {
  const [name = ''] = user.split(':')
  if (name === '') return 0
  return /^\d+$/.test(name) ? Number(name) : undefined
}

/** Runtimes keep ids in 32 bits: of a larger one the rest may be 0. */
const maxUid = 2 ** 31 - 1

const checkNotRoot = (uid: number | undefined, imageUser: string, container: string): void => {
  if (uid === undefined)
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root (container: ${container})`,
    )
  if (uid > maxUid)
    throw new ConfigError(`container has runAsNonRoot and no user has the number ${uid} (container: ${container})`)
  if (uid === 0)
    throw new ConfigError(`container has runAsNonRoot and would run as root (container: ${container}): set runAsUser`)
}

const userOf = (
  { spec }: Pod,
  { name, securityContext = {} }: Container,
  imageUser: string,
): ContainerUser | undefined => {
  const uid = securityContext.runAsUser ?? spec.securityContext?.runAsUser
  const gid = securityContext.runAsGroup ?? spec.securityContext?.runAsGroup
  if (securityContext.runAsNonRoot ?? spec.securityContext?.runAsNonRoot)
    checkNotRoot(uid ?? imageUid(imageUser), imageUser, name)
  const group = gid === undefined ? {} : { gid }
  if (uid === undefined && imageUser !== '') return { named: imageUser, ...group }
  return (uid ?? 0) === 0 && (gid ?? 0) === 0 ? undefined : { uid: uid ?? 0, ...group }
}

/** Volumes would belong to `fsGroup`; without any it is one more group. */
const groupsOf = ({ spec: { securityContext = {} } }: Pod): readonly number[] => {
  const { supplementalGroups = [], fsGroup } = securityContext
  return [...new Set([...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])])]
}

const capabilitiesOf = ({ name, securityContext = {} }: Container): ContainerSpec['capabilities'] => {
  if (securityContext.privileged) return 'all'
  try {
    return changedCapabilities(securityContext.capabilities ?? {})
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ConfigError(`securityContext.capabilities of container ${name}: ${error.message}`)
  }
}

interface Profile {
  readonly type: string
  readonly localhostProfile?: string
}

const named = ({ localhostProfile }: Profile, field: string): string => {
  if (localhostProfile) return localhostProfile
  throw new ConfigError(`${field} is of the type Localhost and names no localhostProfile`)
}

const seccompOf = (profile: Profile | undefined): SeccompProfile | undefined => {
  if (profile?.type === 'RuntimeDefault') return 'default'
  return profile?.type === 'Localhost' ? { file: named(profile, 'seccompProfile') } : undefined
}

const appArmorOf = (profile: Profile | undefined): AppArmorProfile | undefined => {
  if (profile?.type === 'RuntimeDefault') return 'default'
  if (profile?.type === 'Unconfined') return 'unconfined'
  return profile?.type === 'Localhost' ? { profile: named(profile, 'appArmorProfile') } : undefined
}

/** A privileged container is held by no filter. */
const securityOf = ({ spec }: Pod, { securityContext: own = {} }: Container): ContainerSecurity => {
  const { privileged = false } = own
  const pod = spec.securityContext ?? {}
  const seccomp = privileged ? undefined : seccompOf(own.seccompProfile ?? pod.seccompProfile)
  const appArmor = privileged ? undefined : appArmorOf(own.appArmorProfile ?? pod.appArmorProfile)
  const seLinux = own.seLinuxOptions ?? pod.seLinuxOptions
  return {
    ...(privileged ? { privileged } : {}),
    ...(own.readOnlyRootFilesystem ? { readOnlyRoot: true } : {}),
    ...(own.procMount === 'Unmasked' ? { unmaskedProc: true } : {}),
    ...(own.allowPrivilegeEscalation === false ? { noNewPrivileges: true } : {}),
    ...(seccomp ? { seccomp } : {}),
    ...(appArmor ? { appArmor } : {}),
    ...(seLinux ? { seLinux } : {}),
  }
}

const hugepagesOf = (limits: Readonly<Record<string, string | number>>): ReadonlyMap<number, number> =>
  new Map(
    Object.entries(limits).flatMap(([name, amount]) => {
      const [, size] = /^hugepages-(.+)$/.exec(name) ?? []
      return size === undefined ? [] : [[quantityValue(size), quantityValue(amount)] as const]
    }),
  )

const qosOf = ({ status }: Pod): QosClass => {
  const qos = status?.qosClass
  return qos === 'Guaranteed' || qos === 'Burstable' ? qos : 'BestEffort'
}

const oomScoreOf = (pod: Pod, { resources }: Container, nodeBytes: number): number => {
  const request = resources?.requests?.['memory'] ?? resources?.limits?.['memory']
  return oomScoreAdjustment(qosOf(pod), request === undefined ? 0 : quantityValue(request), nodeBytes)
}

const limitsOf = ({ resources }: Container): ContainerLimits => {
  const { limits = {}, requests = {} } = resources ?? {}
  const { cpu, memory } = limits
  const cpuRequest = requests['cpu'] ?? cpu
  const hugepages = hugepagesOf(limits)
  return {
    ...(cpu === undefined ? {} : { cpuMilli: quantityMilli(cpu) }),
    ...(cpuRequest === undefined ? {} : { cpuRequestMilli: quantityMilli(cpuRequest) }),
    ...(memory === undefined ? {} : { memoryBytes: quantityValue(memory) }),
    ...(hugepages.size > 0 ? { hugepages } : {}),
  }
}

const commandOf = (container: Container, image: Image, env: StringMap, hasImages: boolean): readonly string[] => {
  const command = containerCommand(container, image.config, env)
  if (command) return command
  throw new NoCommandError(
    hasImages
      ? 'no command specified'
      : `the process runtime runs commands of the node, not images: give container ${container.name} a command`,
  )
}

const defaultMessagePath = '/dev/termination-log'

/** What only containers of images have. */
const ofImage = (
  pod: Pod,
  container: Container,
  { id, digest }: Image,
  nodeBytes: number,
): Pick<ContainerSpec, 'image' | 'limits' | 'terminationMessage'> => ({
  image: { id, digest, name: container.image ?? '' },
  limits: { ...limitsOf(container), oomScoreAdjust: oomScoreOf(pod, container, nodeBytes) },
  terminationMessage: {
    path: container.terminationMessagePath || defaultMessagePath,
    fallBackToLogs: container.terminationMessagePolicy === 'FallbackToLogsOnError',
  },
})

export interface RuntimeTraits {
  /** It looks at images. */
  readonly hasImages: boolean
  /** The memory of the node. */
  readonly nodeBytes: number
}

/** Throws `ConfigError` or `NoCommandError`, whose messages are for the user. */
export const containerSpecOf = (
  pod: Pod,
  container: Container,
  image: Image,
  env: StringMap,
  { hasImages, nodeBytes }: RuntimeTraits,
): Omit<ContainerSpec, 'attempt' | 'logFile' | 'labels' | 'mounts'> => {
  const { config } = image
  const user = userOf(pod, container, config.user)
  const groups = groupsOf(pod)
  const capabilities = capabilitiesOf(container)
  return {
    name: container.name,
    ...{ command: commandOf(container, image, env, hasImages), env, limits: limitsOf(container) },
    ...(hasImages ? ofImage(pod, container, image, nodeBytes) : {}),
    workingDir: container.workingDir || config.workingDir || '/',
    ...(user ? { user } : {}),
    ...(groups.length > 0 ? { groups } : {}),
    ...(capabilities ? { capabilities } : {}),
    ...securityOf(pod, container),
    ...(config.stopSignal === undefined ? {} : { stopSignal: config.stopSignal }),
    ...(container.stdin ? { stdin: container.stdinOnce ? ('once' as const) : ('kept' as const) } : {}),
    ...(container.tty ? { tty: true } : {}),
  }
}
