/** From a pod's container to what a runtime is told of it. Pure. */
import { isAbsolute, join, normalize } from 'node:path'
import type { ContainerImage, ContainerLimits, ContainerSpec } from '../containers.ts'
import { cpuQuota, cpuShares, pageName } from '../limit-units.ts'
import type { Mount } from '../mounts.ts'
import { maskedPaths, readOnlyPaths } from '../restricted-paths.ts'
import type { SandboxSpec } from '../sandboxes.ts'
import type { AppArmorProfile, ContainerUser, SeccompProfile } from '../security.ts'
import type {
  ContainerConfig,
  ContainerResources,
  CriMount,
  NamespaceOption,
  SecurityContext,
  SecurityProfile,
} from './messages.ts'
import { containerAnnotations, podLabels } from './records.ts'
import { namespacesOf } from './sandbox-config.ts'

export interface ContainerConfigInput {
  /** Whose pods they are. */
  readonly node: string
  readonly sandbox: SandboxSpec
  readonly spec: ContainerSpec
  readonly image: ContainerImage
  /** Below the sandbox's folder of logs. */
  readonly logPath: string
  /** Holds the profiles that pods name. */
  readonly seccompDir: string
  /** What the agent adds to the mounts of sandbox and container. */
  readonly mounts: readonly Mount[]
  /** The container, as the runtime calls it, whose processes this one sees. */
  readonly targetId: string | undefined
}

/** Not as many runtimes know the first as the second, which is older. */
const seccompOf = (profile: SeccompProfile | undefined, folder: string): Partial<SecurityContext> => {
  if (profile === undefined || profile === 'unconfined')
    return { seccomp: { profileType: 'Unconfined' }, seccompProfilePath: 'unconfined' }
  if (profile === 'default')
    return { seccomp: { profileType: 'RuntimeDefault' }, seccompProfilePath: 'runtime/default' }
  const file = normalize(profile.file)
  if (isAbsolute(file) || file === '..' || file.startsWith('../'))
    throw new Error(`cannot load seccomp profile ${JSON.stringify(profile.file)}: it does not lie below ${folder}`)
  const localhostRef = join(folder, file)
  return { seccomp: { profileType: 'Localhost', localhostRef }, seccompProfilePath: `localhost/${localhostRef}` }
}

const appArmorOf = (profile: AppArmorProfile | undefined): Partial<SecurityContext> => {
  if (profile === undefined) return {}
  const made = (apparmor: SecurityProfile, apparmorProfile: string) => ({ apparmor, apparmorProfile })
  if (profile === 'default') return made({ profileType: 'RuntimeDefault' }, 'runtime/default')
  if (profile === 'unconfined') return made({ profileType: 'Unconfined' }, 'unconfined')
  return made({ profileType: 'Localhost', localhostRef: profile.profile }, `localhost/${profile.profile}`)
}

/** The image's own user is the runtime's to look up, and so is a user's own group. */
const userOf = (user: ContainerUser | undefined): Partial<SecurityContext> => {
  if (user === undefined) return { runAsUser: { value: 0 }, runAsGroup: { value: 0 } }
  const group = user.gid === undefined ? {} : { runAsGroup: { value: user.gid } }
  if (!('named' in user)) return { runAsUser: { value: user.uid }, ...group }
  if (user.gid === undefined) return {}
  const [name = ''] = user.named.split(':')
  return /^\d+$/.test(name) ? { runAsUser: { value: Number(name) }, ...group } : { runAsUsername: name, ...group }
}

const capabilityName = (name: string): string => name.toUpperCase()

const capabilitiesOf = ({ capabilities }: ContainerSpec): Partial<SecurityContext> => {
  if (capabilities === undefined) return {}
  return {
    capabilities:
      capabilities === 'all'
        ? { addCapabilities: ['ALL'], dropCapabilities: [] }
        : { addCapabilities: capabilities.map(capabilityName), dropCapabilities: ['ALL'] },
  }
}

/** Where the pod's containers see each other's processes anyway, there is nothing to join. */
const namespaces = ({ sandbox, targetId }: ContainerConfigInput): NamespaceOption => {
  const all = namespacesOf(sandbox)
  return targetId === undefined || all.pid !== 'CONTAINER' ? all : { ...all, pid: 'TARGET', targetId }
}

const securityContext = (input: ContainerConfigInput): SecurityContext => {
  const { spec, seccompDir } = input
  const isOpen = spec.privileged || spec.unmaskedProc
  const { user = '', role = '', type = '', level = '' } = spec.seLinux ?? {}
  return {
    ...capabilitiesOf(spec),
    privileged: spec.privileged ?? false,
    namespaceOptions: namespaces(input),
    ...(spec.seLinux ? { selinuxOptions: { user, role, type, level } } : {}),
    ...userOf(spec.user),
    readonlyRootfs: spec.readOnlyRoot ?? false,
    supplementalGroups: spec.groups ?? [],
    noNewPrivs: spec.noNewPrivileges ?? false,
    maskedPaths: isOpen ? [] : maskedPaths,
    readonlyPaths: isOpen ? [] : readOnlyPaths,
    ...(spec.privileged ? {} : { ...seccompOf(spec.seccomp, seccompDir), ...appArmorOf(spec.appArmor) }),
  }
}

const resourcesOf = (limits: ContainerLimits): ContainerResources => {
  const { cpuMilli, cpuRequestMilli, memoryBytes, oomScoreAdjust, hugepages = new Map<number, number>() } = limits
  return {
    ...(cpuMilli === undefined ? {} : { cpuQuota: cpuQuota(cpuMilli).quota, cpuPeriod: cpuQuota(cpuMilli).period }),
    cpuShares: cpuShares(cpuRequestMilli ?? cpuMilli ?? 0),
    ...(memoryBytes === undefined ? {} : { memoryLimitInBytes: memoryBytes }),
    ...(oomScoreAdjust === undefined ? {} : { oomScoreAdj: oomScoreAdjust }),
    ...(hugepages.size === 0
      ? {}
      : { hugepageLimits: [...hugepages].map(([size, limit]) => ({ pageSize: pageName(size), limit })) }),
  }
}

const propagations = {
  'host-to-container': 'PROPAGATION_HOST_TO_CONTAINER',
  bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const

const criMount = ({ source, target, readOnly, propagation }: Mount): CriMount => ({
  ...{ containerPath: target, hostPath: source, readonly: readOnly },
  propagation: propagation ? propagations[propagation] : 'PROPAGATION_PRIVATE',
})

/** Of two at one place the later one counts. */
const mountsOf = ({ sandbox, spec, mounts }: ContainerConfigInput): readonly CriMount[] => [
  ...new Map([...sandbox.mounts, ...mounts, ...spec.mounts].map((each) => [each.target, criMount(each)])).values(),
]

/** Throws for what cannot be told. */
export const containerConfig = (input: ContainerConfigInput): ContainerConfig => {
  const { node, sandbox, spec, image, logPath } = input
  return {
    metadata: { name: spec.name, attempt: spec.attempt },
    image: { image: image.id, userSpecifiedImage: image.name },
    command: spec.command,
    workingDir: spec.workingDir,
    envs: Object.entries(spec.env).map(([key, value]) => ({ key, value })),
    mounts: mountsOf(input),
    devices: (spec.devices ?? []).map(({ source, target, readOnly }) => ({
      ...{ containerPath: target, hostPath: source, permissions: readOnly ? 'r' : 'rw' },
    })),
    labels: { ...podLabels(node, sandbox), 'io.kubernetes.container.name': spec.name },
    annotations: containerAnnotations(spec, image),
    logPath,
    ...{ stdin: spec.stdin !== undefined, stdinOnce: spec.stdin === 'once', tty: spec.tty ?? false },
    linux: { resources: resourcesOf(spec.limits), securityContext: securityContext(input) },
  }
}
