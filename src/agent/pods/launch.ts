/** From a pod's container to what the runtime is told to start. Pure. */
import { quantityMilli, quantityValue } from '../../api/quantity.ts'
import type { Container, Pod, StringMap } from '../../api/types/index.ts'
import { ConfigError, containerCommand } from '../env/container-env.ts'
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
): Pick<ContainerSpec, 'name' | 'command' | 'env' | 'workingDir' | 'limits' | 'user' | 'noNewPrivileges'> => {
  const command = containerCommand(container, env)
  if (!command)
    throw new NoCommandError(
      `the process runtime runs commands on the host's files: give container ${container.name} a command`,
    )
  const user = userOf(pod, container)
  return {
    name: container.name,
    ...{ command, env, workingDir: container.workingDir || '/', limits: limitsOf(container) },
    ...(user ? { user } : {}),
    ...(container.securityContext?.allowPrivilegeEscalation === false ? { noNewPrivileges: true } : {}),
  }
}
