/** What a pod asks for and this node cannot give. Better told than left out in silence. */
import type { Container, EphemeralContainer, Pod } from '../../api/types/index.ts'
import type { Capabilities, Feature } from '../runtime/capabilities.ts'
import { canSeeMounts, mountsBeyond } from '../volumes/container-mounts.ts'

export interface Abilities {
  /** Of the runtime that the pod would have. */
  readonly capabilities: Capabilities
  /** Whether somebody forwards host ports to pods. */
  readonly hostPorts: boolean
}

type Check = readonly [field: string, isAsked: boolean]

/** Nothing, `false`, `{}` and `[]` ask for nothing. */
const isSet = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)

/** Fields of a security context that every runtime honours. */
const honoured = new Set(['runAsNonRoot', 'privileged', 'allowPrivilegeEscalation', 'capabilities'])

/** Fields that name users and groups. */
const ids = new Set(['runAsUser', 'runAsGroup', 'fsGroup'])

/** Those that some runtimes honour. */
const features: Readonly<Record<string, Feature>> = {
  ...{ readOnlyRootFilesystem: 'read-only-root', seccompProfile: 'seccomp', appArmorProfile: 'apparmor' },
  ...{ seLinuxOptions: 'selinux', procMount: 'unmasked-proc', sysctls: 'sysctls' },
}

/** What asks for what is the case anyway. */
const asIs: Readonly<Record<string, string>> = {
  ...{ procMount: 'Default', supplementalGroupsPolicy: 'Merge' },
  ...{ seccompProfile: 'Unconfined', appArmorProfile: 'Unconfined' },
}

const typeOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'type' in value ? value.type : value

const isBeyond = (name: string, value: unknown, capabilities: Capabilities): boolean => {
  const { canBecome, canSetGroups } = capabilities
  if (ids.has(name)) return typeof value === 'number' && !(canBecome(value) && (name !== 'fsGroup' || canSetGroups))
  if (name === 'supplementalGroups')
    return Array.isArray(value) && value.length > 0 && !(canSetGroups && value.every(canBecome))
  // Nobody changes the owner of files that pods cannot write to.
  if (name === 'fsGroupChangePolicy') return false
  const feature = features[name]
  if (feature !== undefined && capabilities.features.has(feature)) return false
  return !honoured.has(name) && isSet(value) && typeOf(value) !== asIs[name]
}

const securityChecks = (path: string, context: object = {}, { capabilities }: Abilities): readonly Check[] =>
  Object.entries(context).map(([name, value]: [string, unknown]) => [
    `${path}.${name}`,
    isBeyond(name, value, capabilities),
  ])

const containerChecks = (
  path: string,
  container: Container,
  hostNetwork: boolean,
  abilities: Abilities,
  beyond: ReadonlySet<string>,
): readonly Check[] => [
  [`${path}.volumeMounts`, beyond.has(`${path}.volumeMounts`)],
  [`${path}.volumeDevices`, isSet(container.volumeDevices) && !abilities.capabilities.features.has('devices')],
  ...securityChecks(`${path}.securityContext`, container.securityContext, abilities),
  ...(container.ports ?? []).map(
    ({ hostPort }, at) =>
      [`${path}.ports[${at}].hostPort`, isSet(hostPort) && !hostNetwork && !abilities.hostPorts] as const,
  ),
]

/** The paths of the fields that cannot be honoured; empty when the pod can run as it is. */
export const unsupportedFields = (pod: Pod, abilities: Abilities): readonly string[] => {
  const { spec } = pod
  const has = (feature: Feature): boolean => abilities.capabilities.features.has(feature)
  const beyond = mountsBeyond(pod, abilities.capabilities)
  const checks: readonly Check[] = [
    ['spec.hostPID', isSet(spec.hostPID) && !has('host-pid')],
    ['spec.hostIPC', isSet(spec.hostIPC) && !has('host-ipc')],
    ...securityChecks('spec.securityContext', spec.securityContext, abilities),
    ...(['initContainers', 'containers'] as const).flatMap((list) =>
      (spec[list] ?? []).flatMap((container, at) =>
        containerChecks(`spec.${list}[${at}]`, container, spec.hostNetwork ?? false, abilities, beyond),
      ),
    ),
  ]
  return checks.filter(([, isAsked]) => isAsked).map(([field]) => field)
}

/** The same of a container that was added to the pod, which is the only one that it keeps from running. */
export const unsupportedEphemeral = (
  pod: Pod,
  container: EphemeralContainer,
  abilities: Abilities,
): readonly string[] => {
  const { capabilities } = abilities
  const { features } = capabilities
  const path = `spec.ephemeralContainers[${(pod.spec.ephemeralContainers ?? []).indexOf(container)}]`
  const cannotJoin = features.has('own-pids') && !features.has('joined-pids')
  const checks: readonly Check[] = [
    [`${path}.targetContainerName`, isSet(container.targetContainerName) && cannotJoin],
    [`${path}.volumeMounts`, !canSeeMounts(pod, container, capabilities)],
    [`${path}.volumeDevices`, isSet(container.volumeDevices) && !features.has('devices')],
    ...securityChecks(`${path}.securityContext`, container.securityContext, abilities),
  ]
  return checks.filter(([, isAsked]) => isAsked).map(([field]) => field)
}
