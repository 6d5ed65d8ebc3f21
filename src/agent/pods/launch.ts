/** From a pod's container to what the runtime is told to start. Pure. */
import { quantityMilli, quantityValue } from '../../api/quantity.ts'
import type { Container, Pod, StringMap } from '../../api/types/index.ts'
import { ConfigError, containerCommand } from '../env/container-env.ts'
import { changedCapabilities } from '../runtime/capabilities.ts'
import type { ContainerSpec } from '../runtime/runtime.ts'

/** There is no telling what the container should run. */
export class NoCommandError extends Error {
  override readonly name = 'NoCommandError'
}

const userOf = ({ spec }: Pod, { name, securityContext = {} }: Container): ContainerSpec['user'] => {
  const uid = securityContext.runAsUser ?? spec.securityContext?.runAsUser ?? 0
  const gid = securityContext.runAsGroup ?? spec.securityContext?.runAsGroup ?? 0
  if ((securityContext.runAsNonRoot ?? spec.securityContext?.runAsNonRoot) && uid === 0)
    throw new ConfigError(`container has runAsNonRoot and would run as root (container: ${name}): set runAsUser`)
  return uid === 0 && gid === 0 ? undefined : { uid, gid }
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

const limitsOf = ({ resources }: Container): ContainerSpec['limits'] => {
  const { cpu, memory } = resources?.limits ?? {}
  return {
    ...(cpu === undefined ? {} : { cpuMilli: quantityMilli(cpu) }),
    ...(memory === undefined ? {} : { memoryBytes: quantityValue(memory) }),
  }
}

/** Throws `ConfigError` or `NoCommandError`, whose messages are for the user. */
export const containerSpecOf = (
  pod: Pod,
  container: Container,
  env: StringMap,
): Omit<ContainerSpec, 'attempt' | 'logFile' | 'labels'> => {
  const command = containerCommand(container, env)
  if (!command)
    throw new NoCommandError(
      `the process runtime runs commands of the node, not images: give container ${container.name} a command`,
    )
  const user = userOf(pod, container)
  const groups = groupsOf(pod)
  const capabilities = capabilitiesOf(container)
  return {
    name: container.name,
    ...{ command, env, workingDir: container.workingDir || '/', limits: limitsOf(container) },
    ...(user ? { user } : {}),
    ...(groups.length > 0 ? { groups } : {}),
    ...(capabilities ? { capabilities } : {}),
    ...(container.stdin ? { stdin: container.stdinOnce ? ('once' as const) : ('kept' as const) } : {}),
    ...(container.tty ? { tty: true } : {}),
    ...(container.securityContext?.allowPrivilegeEscalation === false ? { noNewPrivileges: true } : {}),
  }
}
