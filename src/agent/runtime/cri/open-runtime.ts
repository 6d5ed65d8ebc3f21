/** Finding the container runtime of the machine, and what of it outlives an agent. */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../../../api/clock.ts'
import { errorText } from '../../../api/errors.ts'
import { isJsonObject } from '../../../api/json.ts'
import { jsonOf, readDurable } from '../../../host/durable-file.ts'
import { writeFileAtomic } from '../../../host/files.ts'
import type { Logger } from '../../../host/log.ts'
import type { OpenedCri } from './client.ts'
import { ownLabels } from './records.ts'

/** Where runtimes listen, in the order in which they are looked for. */
export const usualSockets: readonly string[] = [
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/k3s/containerd/containerd.sock',
  '/run/cri-dockerd.sock',
]

const retryMs = 1_000
const answerMs = 5_000
const endMs = 60_000
const endRetryMs = 10_000

/** The library is large, and few nodes need it. */
const library = () => import('./client.ts')

const isSocket = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isSocket(),
    () => false,
  )

/** The one that is named, or the first that is there. */
const socketOf = async (named: string | undefined): Promise<string | undefined> => {
  if (named !== undefined) return named
  for (const path of usualSockets) if (await isSocket(path)) return path
  return undefined
}

export interface OpenedRuntime extends OpenedCri {
  readonly socket: string
}

/** Waits until one answers; undefined when `signal` aborts before. */
export const awaitRuntime = async (
  named: string | undefined,
  log: Logger,
  signal: AbortSignal,
): Promise<OpenedRuntime | undefined> => {
  const { openCri } = await library()
  for (let told = ''; !signal.aborted; await sleep(retryMs, signal)) {
    const socket = await socketOf(named)
    try {
      if (socket === undefined) throw new Error(`no container runtime listens at ${usualSockets.join(', ')}`)
      const opened = await openCri(socket, { timeoutMs: answerMs, signal })
      const { runtimeName, runtimeVersion } = opened.version
      log.info({ socket, runtimeName, runtimeVersion, api: opened.api }, 'pods run in the container runtime')
      return { ...opened, socket }
    } catch (error) {
      if (signal.aborted) break
      const why = errorText(error)
      if (why !== told)
        log.error({ why }, 'the container runtime does not answer; waiting: start it, or name it by --cri-socket')
      told = why
    }
  }
  return undefined
}

/** Whose pods are in which runtime: known as long as there may be some. */
interface Traces {
  readonly socket: string
  readonly node: string
}

const isTraces = (value: unknown): value is Traces =>
  isJsonObject(value) && typeof value['socket'] === 'string' && typeof value['node'] === 'string'

const tracesFile = (dataDir: string): string => join(dataDir, 'container-runtime.json')

export const noteRuntime = (dataDir: string, traces: Traces): Promise<void> =>
  writeFileAtomic(tracesFile(dataDir), JSON.stringify(traces))

/** Where an agent of this node has left pods, as far as it is known. Throws for a note that is damaged. */
export const leftRuntime = async (dataDir: string): Promise<Traces | undefined> => {
  const found = await readDurable(tracesFile(dataDir), jsonOf('the place of a container runtime', isTraces))
  if (found.state === 'damaged') throw new Error(`${tracesFile(dataDir)} ${found.why}: remove it`)
  return found.state === 'read' ? found.value : undefined
}

/** Ends the pods that were left there, and forgets the place; how many. Rejects when the runtime does not answer. */
export const endCriPods = async (dataDir: string, { socket, node }: Traces): Promise<number> => {
  const { openCri } = await library()
  const { client } = await openCri(socket, { timeoutMs: answerMs })
  try {
    const { items } = await client.ask('ListPodSandbox', { filter: { labelSelector: ownLabels(node) } })
    for (const { id: podSandboxId } of items) {
      await client.ask('StopPodSandbox', { podSandboxId }, { timeoutMs: endMs })
      await client.ask('RemovePodSandbox', { podSandboxId }, { timeoutMs: endMs })
    }
    await rm(tracesFile(dataDir))
    return new Set(items.map(({ metadata }) => metadata?.uid)).size
  } finally {
    client.close()
  }
}

/** Pods that another runtime of the node has run before are ended in it: they start anew in ours. Tries until it is done. */
export const endLeftPods = async (dataDir: string, log: Logger, signal: AbortSignal): Promise<void> => {
  for (let told = ''; !signal.aborted; await sleep(endRetryMs, signal)) {
    try {
      const left = await leftRuntime(dataDir)
      if (!left) return
      const ended = await endCriPods(dataDir, left)
      log.warn({ ended, socket: left.socket }, 'ended the pods that were left in a container runtime')
    } catch (error) {
      const why = errorText(error)
      if (why !== told) log.error({ why }, 'cannot end the pods that were left in a container runtime; retrying')
      told = why
    }
  }
}
