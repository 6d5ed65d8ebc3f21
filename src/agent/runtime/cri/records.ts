/**
 * What the runtime keeps for us with sandboxes and containers, and what it tells by it: everybody's labels, by which crictl
 * shows pods, and two annotations with all that an agent that starts again has to know. Pure.
 */
import { isJsonObject, type JsonObject } from '../../../api/json.ts'
import type { StringMap } from '../../../api/types/index.ts'
import type { ContainerExit, ContainerImage, ContainerRecord, ContainerSpec } from '../containers.ts'
import { containerId } from '../ids.ts'
import type { SandboxSpec } from '../sandboxes.ts'
import type { ContainerStatus, CriContainer, PodSandbox } from './messages.ts'

/** Whose pods they are: agents of several nodes can share a runtime. */
const nodeLabel = 'podway.dev/node'
const sandboxAnnotation = 'podway.dev/sandbox'
const containerAnnotation = 'podway.dev/container'

export const ownLabels = (node: string): StringMap => ({ [nodeLabel]: node })

export const podLabels = (node: string, { id, namespace, name }: SandboxSpec): StringMap => ({
  ...ownLabels(node),
  'io.kubernetes.pod.name': name,
  'io.kubernetes.pod.namespace': namespace,
  'io.kubernetes.pod.uid': id,
})

/** Those of the pod are for runtimes that act upon them; none of them replaces ours. */
export const sandboxAnnotations = ({ annotations = {}, ...spec }: SandboxSpec): StringMap => ({
  ...annotations,
  [sandboxAnnotation]: JSON.stringify(spec),
})

export interface KeptContainer {
  readonly image: ContainerImage
  readonly logFile: string
  readonly labels: StringMap
  readonly stdin?: ContainerSpec['stdin']
  readonly tty?: boolean
  /** The end of its log stands in for last words. */
  readonly logIsMessage?: boolean
}

export const containerAnnotations = (spec: ContainerSpec, image: ContainerImage): StringMap => {
  const { logFile, labels, stdin, tty, terminationMessage } = spec
  const kept: KeptContainer = {
    ...{ image, logFile, labels },
    ...(stdin ? { stdin } : {}),
    ...(tty ? { tty } : {}),
    ...(terminationMessage?.fallBackToLogs ? { logIsMessage: true } : {}),
  }
  return {
    'io.kubernetes.container.restartCount': String(spec.attempt),
    ...(terminationMessage ? { 'io.kubernetes.container.terminationMessagePath': terminationMessage.path } : {}),
    [containerAnnotation]: JSON.stringify(kept),
  }
}

const objectIn = (annotations: StringMap, name: string): JsonObject | undefined => {
  try {
    const found: unknown = JSON.parse(annotations[name] ?? '')
    return isJsonObject(found) ? found : undefined
  } catch {
    return undefined
  }
}

const hasTexts = (value: unknown, ...names: readonly string[]): boolean =>
  isJsonObject(value) && names.every((name) => typeof value[name] === 'string')

const isTexts = (value: unknown): boolean =>
  isJsonObject(value) && Object.values(value).every((each) => typeof each === 'string')

/** Written by us: that it has what everything else hangs on shows that it is whole. */
const isSpec = (value: unknown): value is SandboxSpec =>
  isJsonObject(value) &&
  hasTexts(value, 'id', 'namespace', 'name', 'hostname') &&
  typeof value['hostNetwork'] === 'boolean' &&
  Array.isArray(value['mounts']) &&
  value['mounts'].every((mount) => hasTexts(mount, 'source', 'target', 'kind')) &&
  isTexts(value['labels'])

const isKept = (value: unknown): value is KeptContainer =>
  isJsonObject(value) &&
  hasTexts(value, 'logFile') &&
  isTexts(value['labels']) &&
  hasTexts(value['image'], 'id', 'digest', 'name')

/** Undefined for one that is damaged. */
export const specOf = ({ annotations, metadata }: PodSandbox): SandboxSpec | undefined => {
  const found = objectIn(annotations, sandboxAnnotation)
  return isSpec(found) && found.id === metadata?.uid ? found : undefined
}

export const keptOf = ({ annotations }: CriContainer): KeptContainer | undefined => {
  const found = objectIn(annotations, containerAnnotation)
  return isKept(found) ? found : undefined
}

/** Milliseconds since 1970. */
export const timeOf = (nanoseconds: string): number => Number(BigInt(nanoseconds) / 1_000_000n)

/** Of what all programs between us and the command have to say, its own complaint. */
export const startErrorOf = (message: string): string =>
  (/exec: ".*/s.exec(message)?.[0] ?? message).replace(/: unknown$/, '').trim()

/** The runtime program could not run the command at all. */
const startFailed = 128

const exitOf = (status: ContainerStatus, words: string | undefined): ContainerExit | undefined => {
  const { state, exitCode: code, reason, message } = status
  if (state !== 'CONTAINER_EXITED') return undefined
  const neverRan = reason === 'StartError' || status.startedAt === '0'
  const finishedAt = timeOf(status.finishedAt === '0' ? status.createdAt : status.finishedAt)
  return {
    ...{ code: neverRan && code === 0 ? startFailed : code, oomKilled: reason === 'OOMKilled', finishedAt },
    ...(neverRan ? { startError: startErrorOf(message || 'it was never started') } : {}),
    ...(words ? { message: words } : {}),
  }
}

/** `runtimeName`: `containerd`, as the runtime calls itself. */
export const recordOf = (
  runtimeName: string,
  sandbox: string,
  { name, attempt }: { readonly name: string; readonly attempt: number },
  kept: KeptContainer,
  status: ContainerStatus,
  words: string | undefined,
): ContainerRecord => {
  const exit = exitOf(status, words)
  const { image, logFile, labels } = kept
  return {
    ...{ id: containerId(sandbox, name, attempt), name, attempt, image, logFile, logFormat: 'cri', labels },
    apiId: `${runtimeName}://${status.id}`,
    startedAt: timeOf(status.startedAt === '0' ? status.createdAt : status.startedAt),
    ...(exit ? { exit } : {}),
  }
}
