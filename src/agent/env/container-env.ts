/** The environment of a container, and its command line with the variables filled in. */
import { withEphemeralContainers } from '../../api/pods.ts'
import type { ConfigMap, Container, EnvVar, Pod, Secret, StringMap } from '../../api/types/index.ts'
import { expand } from './expand.ts'
import { fieldValue, type NodeFacts, resourceValue } from './field-ref.ts'
import { type ServiceLink, serviceVariables } from './service-links.ts'

export interface EnvInput {
  readonly pod: Pod
  readonly container: Container
  readonly facts: NodeFacts
  readonly hostname: string
  /** What every container gets unless it says otherwise. */
  readonly defaults: StringMap
  readonly services: Iterable<ServiceLink>
  /** Those of the pod's namespace that it mentions; one that is missing here does not exist. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>
  readonly secrets: ReadonlyMap<string, Secret>
}

/** The pod asks for something that is not there, or not possible: it waits until that changes. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const decoded = (secret: Secret | undefined): StringMap | undefined =>
  secret &&
  Object.fromEntries(Object.entries(secret.data ?? {}).map(([k, v]) => [k, Buffer.from(v, 'base64').toString()]))

/** The data of a ConfigMap or Secret; undefined when it is missing and may be. */
const source = (
  kind: 'configmap' | 'secret',
  data: StringMap | undefined,
  namespace: string,
  ref: { readonly name?: string; readonly optional?: boolean },
): StringMap | undefined => {
  if (data || ref.optional) return data
  throw new ConfigError(`${kind} "${ref.name ?? ''}" not found in namespace "${namespace}"`)
}

const createSources = ({ pod, configMaps, secrets }: EnvInput) => {
  const namespace = pod.metadata.namespace ?? ''
  return {
    namespace,
    configMap: (ref: { readonly name?: string; readonly optional?: boolean }) =>
      source(
        'configmap',
        configMaps.get(ref.name ?? '') && (configMaps.get(ref.name ?? '')?.data ?? {}),
        namespace,
        ref,
      ),
    secret: (ref: { readonly name?: string; readonly optional?: boolean }) =>
      source('secret', decoded(secrets.get(ref.name ?? '')), namespace, ref),
  }
}

type Sources = ReturnType<typeof createSources>

const keyOf = (
  kind: string,
  data: StringMap | undefined,
  { namespace }: Sources,
  ref: { readonly name?: string; readonly key: string; readonly optional?: boolean },
): string | undefined => {
  const value = data?.[ref.key]
  if (value !== undefined || ref.optional) return value
  throw new ConfigError(`couldn't find key ${ref.key} in ${kind} ${namespace}/${ref.name ?? ''}`)
}

const fromEnvFrom = ({ container }: EnvInput, sources: Sources): readonly (readonly [string, string])[] =>
  (container.envFrom ?? []).flatMap(({ prefix = '', configMapRef, secretRef }) => {
    const data = (configMapRef && sources.configMap(configMapRef)) ?? (secretRef && sources.secret(secretRef)) ?? {}
    return Object.entries(data).map(([name, value]) => [`${prefix}${name}`, value] as const)
  })

const fromResource = ({ pod, container, facts }: EnvInput, { name, valueFrom }: EnvVar): string => {
  const { containerName = container.name, resource = '', divisor } = valueFrom?.resourceFieldRef ?? {}
  const other = withEphemeralContainers(pod).find((each) => each.name === containerName)
  const value = other && resourceValue(other, facts, resource, divisor)
  if (value !== undefined) return value
  throw new ConfigError(`env ${name}: unsupported container resource: ${containerName} ${resource}`)
}

/** Undefined for a variable that is not set at all: an optional reference to nothing. */
const variableValue = (
  input: EnvInput,
  sources: Sources,
  variable: EnvVar,
  lookup: (name: string) => string | undefined,
): string | undefined => {
  const { name, value, valueFrom } = variable
  if (valueFrom === undefined) return expand(value ?? '', lookup)
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom
  if (fieldRef) {
    const field = fieldValue(input.pod, input.facts, fieldRef.fieldPath)
    if (field === undefined) throw new ConfigError(`env ${name}: unsupported fieldPath: ${fieldRef.fieldPath}`)
    return field
  }
  if (resourceFieldRef) return fromResource(input, variable)
  if (configMapKeyRef) return keyOf('ConfigMap', sources.configMap(configMapKeyRef), sources, configMapKeyRef)
  if (secretKeyRef) return keyOf('Secret', sources.secret(secretKeyRef), sources, secretKeyRef)
  throw new ConfigError(`env ${name}: valueFrom names no source`)
}

/** What no process can be given. */
const checkVariable = (name: string, value: string): void => {
  if (name === '' || /[=\0]/.test(name)) throw new ConfigError(`env ${JSON.stringify(name)}: not a name of a variable`)
  if (value.includes('\0')) throw new ConfigError(`env ${name}: the value holds a zero byte`)
}

/**
 * As the kubelet composes it: services, then envFrom, then env in its order, where a value may refer to what stands before
 * it; on top of the defaults and HOSTNAME. Throws `ConfigError` naming what is missing.
 */
export const containerEnv = (input: EnvInput): StringMap => {
  const { pod, container, hostname, defaults, services } = input
  const sources = createSources(input)
  const links = new Map(serviceVariables(services, sources.namespace, pod.spec.enableServiceLinks ?? true))
  const own = new Map(fromEnvFrom(input, sources))
  const lookup = (name: string): string | undefined => own.get(name) ?? links.get(name)
  for (const variable of container.env ?? []) {
    const value = variableValue(input, sources, variable, lookup)
    if (value !== undefined) own.set(variable.name, value)
  }
  for (const [name, value] of own) checkVariable(name, value)
  return { ...defaults, HOSTNAME: hostname, ...Object.fromEntries(links), ...Object.fromEntries(own) }
}

/** Which ConfigMaps and Secrets the pod's environment needs. */
export const configNames = (
  pod: Pod,
): { readonly configMaps: readonly string[]; readonly secrets: readonly string[] } => {
  const containers = withEphemeralContainers(pod)
  const from = containers.flatMap(({ envFrom = [] }) => envFrom)
  const values = containers.flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom))
  const distinct = (names: readonly (string | undefined)[]) =>
    [...new Set(names.filter((name) => name !== undefined))].sort()
  return {
    configMaps: distinct([...from.map((f) => f.configMapRef?.name), ...values.map((v) => v?.configMapKeyRef?.name)]),
    secrets: distinct([...from.map((f) => f.secretRef?.name), ...values.map((v) => v?.secretKeyRef?.name)]),
  }
}

/** What an image says of the command of its containers. */
interface ImageCommand {
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
}

/**
 * The words to run: what the pod says in place of what the image says, with `$(NAME)` filled in; a command of the pod's takes
 * the arguments of the image away, too. Undefined when there is nothing to run.
 */
export const containerCommand = (
  { command = [], args = [] }: Container,
  image: ImageCommand,
  env: StringMap,
): readonly string[] | undefined => {
  const lookup = (name: string): string | undefined => (Object.hasOwn(env, name) ? env[name] : undefined)
  const filled = (words: readonly string[]) => words.map((word) => expand(word, lookup))
  const first = command.length > 0 ? filled(command) : image.entrypoint
  const rest = args.length > 0 ? filled(args) : command.length > 0 ? [] : image.cmd
  const words = [...first, ...rest]
  return words.length === 0 ? undefined : words
}
