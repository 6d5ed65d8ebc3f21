/** What a pod asks for and this node cannot give. Better told than left out in silence. */
import type { Container, Pod } from '../../api/types/index.ts'
import { fileVolume, mountsOf } from '../volumes/file-volumes.ts'

export interface Abilities {
  /** Whether containers can run as these ids. In a user namespace with a single user they cannot. */
  readonly canBecome: (id: number) => boolean
  /** Whether they can have groups of their own choice besides. */
  readonly canSetGroups: boolean
  /** Whether somebody forwards host ports to pods. */
  readonly hostPorts: boolean
}

type Check = readonly [field: string, isAsked: boolean]

/** Nothing, `false`, `{}` and `[]` ask for nothing. */
const isSet = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)

/** Fields of a security context that are honoured. */
const honoured = new Set(['runAsNonRoot', 'privileged', 'allowPrivilegeEscalation', 'capabilities'])

/** Fields that name users and groups. */
const ids = new Set(['runAsUser', 'runAsGroup', 'fsGroup'])

/** What asks for what is the case anyway. */
const asIs: Readonly<Record<string, string>> = {
  ...{ procMount: 'Default', supplementalGroupsPolicy: 'Merge' },
  ...{ seccompProfile: 'Unconfined', appArmorProfile: 'Unconfined' },
}

const typeOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'type' in value ? value.type : value

const isBeyond = (name: string, value: unknown, { canBecome, canSetGroups }: Abilities): boolean => {
  if (ids.has(name)) return typeof value === 'number' && !(canBecome(value) && (name !== 'fsGroup' || canSetGroups))
  if (name === 'supplementalGroups')
    return Array.isArray(value) && value.length > 0 && !(canSetGroups && value.every(canBecome))
  // Nobody changes the owner of files that pods cannot write to.
  if (name === 'fsGroupChangePolicy') return false
  return !honoured.has(name) && isSet(value) && typeOf(value) !== asIs[name]
}

const securityChecks = (path: string, context: object = {}, abilities: Abilities): readonly Check[] =>
  Object.entries(context).map(([name, value]: [string, unknown]) => [
    `${path}.${name}`,
    isBeyond(name, value, abilities),
  ])

const probeChecks = (path: string, container: Container): readonly Check[] =>
  (['startupProbe', 'readinessProbe', 'livenessProbe'] as const).map((name) => {
    const probe = container[name]
    const isKnown = !probe || probe.exec || probe.httpGet || probe.tcpSocket
    return [`${path}.${name}.grpc`, !isKnown] as const
  })

const containerChecks = (
  path: string,
  container: Container,
  hostNetwork: boolean,
  abilities: Abilities,
  unserved: readonly string[],
): readonly Check[] => [
  [`${path}.volumeMounts`, unserved.includes(`${path}.volumeMounts`)],
  [`${path}.volumeDevices`, isSet(container.volumeDevices)],
  ...securityChecks(`${path}.securityContext`, container.securityContext, abilities),
  ...probeChecks(path, container),
  ...(container.ports ?? []).map(
    ({ hostPort }, at) =>
      [`${path}.ports[${at}].hostPort`, isSet(hostPort) && !hostNetwork && !abilities.hostPorts] as const,
  ),
]

/** The paths of the fields that cannot be honoured; empty when the pod can run as it is. */
export const unsupportedFields = (pod: Pod, abilities: Abilities): readonly string[] => {
  const { spec } = pod
  const { unserved } = mountsOf(pod)
  const checks: readonly Check[] = [
    ['spec.volumes', (spec.volumes ?? []).some((volume) => !fileVolume(volume))],
    ['spec.hostPID', isSet(spec.hostPID)],
    ['spec.hostIPC', isSet(spec.hostIPC)],
    ['spec.runtimeClassName', isSet(spec.runtimeClassName)],
    ...securityChecks('spec.securityContext', spec.securityContext, abilities),
    ...(['initContainers', 'containers'] as const).flatMap((list) =>
      (spec[list] ?? []).flatMap((container, at) =>
        containerChecks(`spec.${list}[${at}]`, container, spec.hostNetwork ?? false, abilities, unserved),
      ),
    ),
  ]
  return checks.filter(([, isAsked]) => isAsked).map(([field]) => field)
}
