/**
 * Pods in a container runtime of the machine (containerd, CRI-O), asked by CRI. It holds sandboxes and containers, connects
 * pods by our CNI plugin, and keeps with each what an agent has to know that starts again.
 */
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { type Clock, sleep, systemClock } from '../../../api/clock.ts'
import type { Logger } from '../../../host/log.ts'
import { countGroupMembers } from '../../usage/group-members.ts'
import type { Usage } from '../../usage/usage.ts'
import type { Feature } from '../capabilities.ts'
import { type ContainerRecord, type ContainerSpec, type Containers, targetIn } from '../containers.ts'
import { containerId, sandboxOf } from '../ids.ts'
import type { Mount } from '../mounts.ts'
import type { OnChange, OnDamage, Runtime } from '../runtime.ts'
import type { Sandboxes, SandboxSpec } from '../sandboxes.ts'
import { readTerminationMessage } from '../shared/termination-message.ts'
import type { CriClient } from './client.ts'
import { containerConfig } from './container-config.ts'
import { createDownWatch, type OnDown } from './down-watch.ts'
import { isNotFound } from './errors.ts'
import { createCriImages } from './images.ts'
import { createInventory, type FoundContainer, type FoundPod, toSandboxRecord } from './inventory.ts'
import { logEndOf } from './log-end.ts'
import type { Calls } from './messages.ts'
import { ownLabels } from './records.ts'
import { sandboxConfig } from './sandbox-config.ts'
import { usageOf } from './stats.ts'
import { createCriStreams } from './streams.ts'

export const criRuntime = 'cri'

export interface CriRuntimeOptions {
  readonly client: CriClient
  /** As the runtime calls itself: `containerd`. */
  readonly runtimeName: string
  /** The name of the node: of its pods in the runtime, whoever else has some there. */
  readonly node: string
  /** What pods on the host network have. */
  readonly hostIPs: readonly string[]
  /** For files that should not outlive the pods. */
  readonly stateDir: string
  /** Holds the profiles that pods name. */
  readonly seccompDir: string
  readonly onChange: OnChange
  readonly onDamage: OnDamage
  readonly onDown: OnDown
  readonly log: Logger
  readonly clock?: Clock
  /** How often the runtime is asked for ends that nobody told us of. */
  readonly pollMs?: number
}

/** A sandbox waits for its network, and a container for its image to be unpacked. */
const makeMs = 120_000
/** A pod has a grace of its own, at whose end the agent kills. */
const patienceSeconds = 24 * 3600
const lastWordsBytes = 2048

const features: ReadonlySet<Feature> = new Set<Feature>([
  ...(['images', 'read-only-root', 'seccomp', 'apparmor', 'selinux', 'unmasked-proc', 'sysctls'] as const),
  ...(['host-pid', 'host-ipc', 'own-pids', 'joined-pids', 'devices', 'mounts-of-node', 'mount-propagation'] as const),
])

const logDirOf = ({ logDir }: SandboxSpec, { logFile }: ContainerSpec): string => logDir ?? dirname(logFile)

export const createCriRuntime = (options: CriRuntimeOptions): Runtime => {
  const { client, node, hostIPs, stateDir, onChange, onDamage, log, clock = systemClock, pollMs = 1_000 } = options
  const messagesDir = join(stateDir, 'messages')
  const messageFile = (id: string): string => join(messagesDir, id)

  /** Containers that are being made: the runtime may not know them yet. */
  const making = new Set<string>()

  const inventory = createInventory({
    ...{ client, runtimeName: options.runtimeName, node, onChange, onDamage, log },
    lastWords: async (id, { logFile, logIsMessage }, exitCode) => {
      const logEnd = logIsMessage ? () => logEndOf(logFile, lastWordsBytes) : undefined
      return (await readTerminationMessage({ file: messageFile(id), logEnd }, exitCode)) || undefined
    },
  })

  const find = async (id: string): Promise<FoundPod | undefined> =>
    (await inventory.look()).find(({ spec }) => spec.id === id)

  const findContainer = async (id: string): Promise<FoundContainer | undefined> =>
    (await find(sandboxOf(id)))?.containers.find(({ record }) => record.id === id)

  const findRunning = async (id: string): Promise<FoundContainer> => {
    const pod = await find(sandboxOf(id))
    const found = pod?.running ? pod.containers.find(({ record }) => record.id === id) : undefined
    if (!found || found.isOnlyMade || found.record.exit) throw new Error(`container ${id} does not run`)
    return found
  }

  /** What is gone already is fine. */
  const remove = async <Name extends 'RemoveContainer' | 'RemovePodSandbox' | 'StopPodSandbox' | 'StopContainer'>(
    name: Name,
    request: Calls[Name][0],
    timeoutMs = makeMs,
  ): Promise<void> => {
    await client.ask(name, request, { timeoutMs }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }

  const removeContainer = async ({ criId, record }: FoundContainer): Promise<void> => {
    await remove('RemoveContainer', { containerId: criId })
    await rm(messageFile(record.id), { force: true })
  }

  /** A sandbox that died stays for its containers; when none is left, it goes. */
  const removeEmpty = async ({ older, containers }: FoundPod, removed: ReadonlySet<string>): Promise<void> => {
    const used = new Set(containers.flatMap(({ criId, sandboxId }) => (removed.has(criId) ? [] : [sandboxId])))
    for (const podSandboxId of older) if (!used.has(podSandboxId)) await remove('RemovePodSandbox', { podSandboxId })
  }

  const sandboxes: Sandboxes = {
    list: async () => (await inventory.look()).map((pod) => toSandboxRecord(criRuntime, hostIPs, pod)),

    start: async (spec) => {
      const before = await find(spec.id)
      if (before?.running) throw new Error(`sandbox ${spec.id} is running`)
      const config = sandboxConfig(node, spec, (before?.attempt ?? -1) + 1, spec.logDir ?? '')
      const request = { config, runtimeHandler: spec.handler ?? '' }
      // Its name and its address are the dead one's until it is stopped.
      if (before) await remove('StopPodSandbox', { podSandboxId: before.criId })
      await client.ask('RunPodSandbox', request, { timeoutMs: makeMs })
      const made = await find(spec.id)
      if (!made) throw new Error(`sandbox ${spec.id} was removed while it was started`)
      return toSandboxRecord(criRuntime, hostIPs, made)
    },

    end: async (id, records) => {
      const pod = await find(id)
      if (!pod) return
      const all = [pod.criId, ...pod.older]
      for (const podSandboxId of all) await remove('StopPodSandbox', { podSandboxId })
      if (records === 'keep') return
      for (const podSandboxId of all) await remove('RemovePodSandbox', { podSandboxId })
      for (const { record } of pod.containers) await rm(messageFile(record.id), { force: true })
    },
  }

  const terminationMounts = async (id: string, spec: ContainerSpec): Promise<readonly Mount[]> => {
    if (!spec.terminationMessage) return []
    await mkdir(messagesDir, { recursive: true, mode: 0o755 })
    const source = messageFile(id)
    await writeFile(source, '')
    // Whoever the container runs as, and whatever our umask is.
    await chmod(source, 0o666)
    return [{ source, target: spec.terminationMessage.path, kind: 'file', readOnly: false }]
  }

  const targetOf = ({ containers: all }: FoundPod, name: string): FoundContainer | undefined => {
    const { id } = targetIn(
      all.map(({ record }) => record),
      name,
    )
    return all.find(({ record }) => record.id === id)
  }

  const make = async (pod: FoundPod, id: string, spec: ContainerSpec): Promise<string> => {
    const { image } = spec
    if (!image) throw new Error(`container ${spec.name} has no image`)
    const target = spec.target === undefined ? undefined : targetOf(pod, spec.target)
    const logDir = logDirOf(pod.spec, spec)
    const config = containerConfig({
      ...{ node, sandbox: pod.spec, spec, image, seccompDir: options.seccompDir },
      logPath: relative(logDir, spec.logFile),
      mounts: await terminationMounts(id, spec),
      targetId: target?.criId,
    })
    const made = await client.ask(
      'CreateContainer',
      { podSandboxId: pod.criId, config, sandboxConfig: sandboxConfig(node, pod.spec, pod.attempt, logDir) },
      { timeoutMs: makeMs },
    )
    return made.containerId
  }

  /** One whose command cannot be run is there, and has ended. */
  const run = async (id: string, criId: string): Promise<ContainerRecord> => {
    const failure = await client.ask('StartContainer', { containerId: criId }, { timeoutMs: makeMs }).then(
      () => undefined,
      (error: unknown) => error,
    )
    const found = await findContainer(id)
    if (failure === undefined && found) return found.record
    if (found?.record.exit?.startError !== undefined) return found.record
    await remove('RemoveContainer', { containerId: criId })
    throw failure ?? new Error(`container ${id} was removed while it was started`)
  }

  const containers: Containers = {
    start: async (sandboxId, spec) => {
      const pod = await find(sandboxId)
      if (!pod?.running) throw new Error(`sandbox ${sandboxId} does not run`)
      const id = containerId(sandboxId, spec.name, spec.attempt)
      const same = pod.containers.find(({ record }) => record.id === id)
      if (same && !same.isOnlyMade) throw new Error(`container ${id} was started before`)
      const old = pod.containers.filter(
        ({ record: { name, attempt } }) => name === spec.name && attempt < spec.attempt - 1,
      )
      for (const each of same ? [same, ...old] : old) await removeContainer(each)
      await removeEmpty(pod, new Set(old.map(({ criId }) => criId)))
      making.add(id)
      try {
        return await run(id, await make(pod, id, spec))
      } finally {
        making.delete(id)
      }
    },

    signal: async (id, signal) => {
      const found = await findContainer(id)
      if (!found || found.isOnlyMade || found.record.exit) return
      const request = { containerId: found.criId }
      if (signal === 'KILL') {
        await remove('StopContainer', { ...request, timeout: 0 })
        await inventory.retry()
        return
      }
      // It is asked now, and answers when it has ended; who kills it before is somebody else.
      void remove('StopContainer', { ...request, timeout: patienceSeconds }, patienceSeconds * 1000)
        .catch((error: unknown) => log.warn({ err: error, container: id }, 'cannot ask a container to end'))
        .then(inventory.retry)
    },

    reopenLog: async (id) => {
      const { criId } = await findRunning(id)
      await client.ask('ReopenContainerLog', { containerId: criId })
    },
  }

  const readStats = async (): Promise<ReadonlyMap<string, Usage>> => {
    const running = (await inventory.look()).flatMap((pod) =>
      pod.containers.flatMap((each) => (each.record.exit || each.isOnlyMade ? [] : [[each.criId, each] as const])),
    )
    if (running.length === 0) return new Map()
    const found = new Map(running)
    const { stats } = await client.ask('ListContainerStats', { filter: { labelSelector: ownLabels(node) } })
    return new Map(
      stats.flatMap((each) => {
        const container = found.get(each.attributes?.id ?? '')
        const usage = usageOf(each, container?.pid ? (countGroupMembers(container.pid) ?? 1) : 1)
        return container && usage ? [[container.record.id, usage] as const] : []
      }),
    )
  }

  /** Files of containers that ended while nobody looked. */
  const removeOtherMessages = async (): Promise<void> => {
    await mkdir(messagesDir, { recursive: true, mode: 0o755 })
    const names = (await readdir(messagesDir)).filter((name) => !making.has(name))
    const known = new Set((await inventory.look()).flatMap((pod) => pod.containers.map(({ record }) => record.id)))
    for (const name of names) if (!known.has(name)) await rm(messageFile(name), { force: true })
  }

  return {
    ...{ name: criRuntime, sandboxes, containers, stats: { read: readStats, writableOf: () => undefined } },
    images: createCriImages(client),
    streams: createCriStreams(client, findRunning),
    capabilities: { features, canBecome: () => true, canSetGroups: true },
    hasHandlers: true,
    run: async (signal) => {
      const watchDown = createDownWatch(clock, options.onDown)
      await removeOtherMessages().catch((error: unknown) => log.warn({ err: error }, 'cannot remove old messages'))
      while (!signal.aborted) {
        await sleep(pollMs, signal, clock)
        if (!signal.aborted) watchDown(await inventory.retry())
      }
    },
  }
}
