/**
 * What a container runtime has of ours. It is asked, and nothing is kept on the node: only what cannot change any more is
 * remembered. While it does not answer, nobody waits for it but one look that goes on.
 */
import { errorText } from '../../../api/errors.ts'
import type { Logger } from '../../../host/log.ts'
import type { ContainerRecord } from '../containers.ts'
import { byNameAndAttempt, containerId } from '../ids.ts'
import type { OnChange, OnDamage } from '../runtime.ts'
import type { SandboxRecord, SandboxSpec } from '../sandboxes.ts'
import type { CriClient } from './client.ts'
import { isNotFound, isOfOneObject } from './errors.ts'
import type { ContainerStatus, CriContainer, PodSandbox } from './messages.ts'
import { type KeptContainer, keptOf, ownLabels, recordOf, specOf } from './records.ts'

export interface FoundContainer {
  /** As the runtime calls it. */
  readonly criId: string
  /** The runtime's own sandbox that it is in. */
  readonly sandboxId: string
  readonly kept: KeptContainer
  readonly imageId: string
  /** Made, and never started: whoever wanted it was ended meanwhile. */
  readonly isOnlyMade: boolean
  /** Of its main process while it runs; 0 where the runtime does not tell. */
  readonly pid: number
  readonly record: ContainerRecord
}

/** All that the runtime has of one pod: the latest sandbox, and what is left of those before. */
export interface FoundPod {
  readonly spec: SandboxSpec
  readonly criId: string
  readonly attempt: number
  readonly running: boolean
  readonly pid: number
  readonly addresses: readonly string[]
  /** Sandboxes before this one, which do not run. */
  readonly older: readonly string[]
  readonly containers: readonly FoundContainer[]
}

/** Where a sandbox runs. */
interface Place {
  readonly pid: number
  readonly addresses: readonly string[]
}

interface KnownStatus {
  readonly status: ContainerStatus
  readonly words: string | undefined
  readonly pid: number
}

export interface InventoryOptions {
  readonly client: CriClient
  /** As the runtime calls itself. */
  readonly runtimeName: string
  /** Whose pods they are. */
  readonly node: string
  /** What a container that has ended has left as its last words. */
  readonly lastWords: (id: string, kept: KeptContainer, exitCode: number) => Promise<string | undefined>
  readonly onChange: OnChange
  readonly onDamage: OnDamage
  readonly log: Logger
}

export interface Inventory {
  /** A look that begins after this call. Rejects at once while the runtime does not answer. */
  look(): Promise<readonly FoundPod[]>
  /** Asks the runtime, although it has not answered before; why it does not answer now, undefined when it does. */
  retry(): Promise<string | undefined>
}

const attemptOf = ({ metadata }: PodSandbox): number => metadata?.attempt ?? 0

/** The pid of the first process in a sandbox or container, as runtimes tell it to who asks for all. */
const pidIn = (info: string | undefined): number => {
  try {
    const found: unknown = JSON.parse(info ?? '{}')
    const pid = typeof found === 'object' && found !== null && 'pid' in found ? found.pid : 0
    return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? pid : 0
  } catch {
    return 0
  }
}

const nowhere: Place = { pid: 0, addresses: [] }

/** Of one that the runtime lists and does not tell of. */
const assumedStatus = ({ id, state, createdAt }: CriContainer): ContainerStatus => ({
  ...{ id, state, createdAt, startedAt: createdAt, finishedAt: createdAt, exitCode: 255 },
  ...{ reason: 'ContainerStatusUnknown', message: 'the runtime does not tell how it ended' },
})

export const toSandboxRecord = (runtime: string, hostIPs: readonly string[], pod: FoundPod): SandboxRecord => {
  const { spec, running, pid, addresses } = pod
  const { id, namespace, name, hostNetwork, labels } = spec
  return {
    ...{ id, namespace, name, runtime, hostNetwork, labels, running, pid: running ? pid : 0 },
    addresses: hostNetwork ? hostIPs : addresses,
    containers: pod.containers.filter(({ isOnlyMade }) => !isOnlyMade).map(({ record }) => record),
  }
}

export const createInventory = (options: InventoryOptions): Inventory => {
  const { client, node, lastWords, onChange, onDamage, log } = options
  const filter = { labelSelector: ownLabels(node) }
  const places = new Map<string, Place>()
  const statuses = new Map<string, KnownStatus>()
  const told = new Set<string>()
  /** What ran at the last look, by the runtime's ids. */
  let ran = new Map<string, string>()
  let failure: Error | undefined
  let current: Promise<readonly FoundPod[]> | undefined
  let next: Promise<readonly FoundPod[]> | undefined

  const tellOnce = (id: string, message: string): void => {
    if (told.has(id)) return
    told.add(id)
    onDamage(message)
  }

  /** The runtime answers, but not about this one: it is asked again next time, and the others are not held up. */
  const unknownFor = (id: string, error: unknown): undefined => {
    if (!isOfOneObject(error)) throw error
    if (!told.has(id)) log.error({ err: error, id }, 'the runtime does not tell the state of one of its objects')
    told.add(id)
  }

  const placeOf = async (criId: string): Promise<Place> => {
    const known = places.get(criId)
    if (known) return known
    const answer = await client
      .ask('PodSandboxStatus', { podSandboxId: criId, verbose: true })
      .catch((error: unknown) => unknownFor(criId, error))
    if (!answer) return nowhere
    const { status, info } = answer
    const { ip = '', additionalIps = [] } = status?.network ?? {}
    const place = {
      pid: pidIn(info['info']),
      addresses: [ip, ...additionalIps.map((each) => each.ip)].filter((each) => each !== ''),
    }
    places.set(criId, place)
    return place
  }

  const statusOf = async (container: CriContainer, id: string, kept: KeptContainer): Promise<KnownStatus> => {
    const known = statuses.get(container.id)
    if (known?.status.state === container.state) return known
    const answer = await client
      .ask('ContainerStatus', { containerId: container.id, verbose: true })
      .catch((error: unknown) => unknownFor(container.id, error))
    const status = answer?.status
    if (!status) return { status: assumedStatus(container), words: undefined, pid: 0 }
    const words = status.state === 'CONTAINER_EXITED' ? await lastWords(id, kept, status.exitCode) : undefined
    const found = { status, words, pid: pidIn(answer.info['info']) }
    statuses.set(container.id, found)
    return found
  }

  /** The runtime has lost sight of it: it is told to end it, and then knows how it ended. */
  const settle = async ({ id, state }: CriContainer): Promise<void> => {
    if (state !== 'CONTAINER_UNKNOWN') return
    if (!told.has(id)) log.warn({ container: id }, 'the runtime has lost the state of a container; ending it')
    told.add(id)
    await client.ask('StopContainer', { containerId: id, timeout: 0 }).catch((error: unknown) => unknownFor(id, error))
  }

  const containerOf = async (sandbox: string, container: CriContainer): Promise<readonly FoundContainer[]> => {
    const { id: criId, metadata, state, podSandboxId: sandboxId, imageRef: imageId } = container
    const kept = keptOf(container)
    if (!kept || !metadata) {
      tellOnce(criId, `the runtime's container ${criId} of pod ${sandbox} is damaged: its annotations are not ours`)
      return []
    }
    try {
      await settle(container)
      const id = containerId(sandbox, metadata.name, metadata.attempt)
      const { status, words, pid } = await statusOf(container, id, kept)
      const record = recordOf(options.runtimeName, sandbox, metadata, kept, status, words)
      return [{ criId, sandboxId, kept, imageId, isOnlyMade: state === 'CONTAINER_CREATED', pid, record }]
    } catch (error) {
      // It was removed while we looked.
      if (isNotFound(error)) return []
      throw error
    }
  }

  const podOf = async (
    items: readonly PodSandbox[],
    containers: readonly CriContainer[],
  ): Promise<readonly FoundPod[]> => {
    const [latest, ...older] = items.toSorted((a, b) => attemptOf(b) - attemptOf(a))
    const spec = latest && specOf(latest)
    if (!latest || !spec) return []
    const running = latest.state === 'SANDBOX_READY'
    try {
      const found = await Promise.all(containers.map((each) => containerOf(spec.id, each)))
      return [
        {
          ...{ spec, criId: latest.id, attempt: attemptOf(latest), running },
          ...(running ? await placeOf(latest.id) : { pid: 0, addresses: [] }),
          older: older.map(({ id }) => id),
          containers: found.flat().toSorted((a, b) => byNameAndAttempt(a.record, b.record)),
        },
      ]
    } catch (error) {
      if (isNotFound(error)) return []
      throw error
    }
  }

  /** Nobody can tell what it is: it is ended, since it holds an address and a name. */
  const removeDamaged = async (items: readonly PodSandbox[]): Promise<void> => {
    for (const { id, metadata } of items.filter((each) => !specOf(each))) {
      tellOnce(id, `the runtime's sandbox ${id} (${metadata?.namespace}/${metadata?.name}) is damaged: it is ended`)
      try {
        await client.ask('StopPodSandbox', { podSandboxId: id })
        await client.ask('RemovePodSandbox', { podSandboxId: id })
      } catch (error) {
        unknownFor(id, error)
      }
    }
  }

  const tellChanges = (pods: readonly FoundPod[]): void => {
    const runs = new Map<string, string>()
    for (const { spec, criId, running, containers } of pods) {
      if (running) runs.set(criId, spec.id)
      for (const each of containers) if (!each.record.exit) runs.set(each.criId, spec.id)
    }
    const ended = new Set([...ran].flatMap(([id, pod]) => (runs.has(id) ? [] : [pod])))
    ran = runs
    for (const pod of ended) onChange(pod)
  }

  const lookNow = async (): Promise<readonly FoundPod[]> => {
    const [{ items }, { containers }] = await Promise.all([
      client.ask('ListPodSandbox', { filter }),
      client.ask('ListContainers', { filter }),
    ])
    await removeDamaged(items)
    const bySandbox = Map.groupBy(containers, ({ podSandboxId }) => podSandboxId)
    const byPod = Map.groupBy(
      items.filter((each) => specOf(each)),
      ({ metadata }) => metadata?.uid ?? '',
    )
    const pods = (
      await Promise.all(
        [...byPod.values()].map((own) =>
          podOf(
            own,
            own.flatMap(({ id }) => bySandbox.get(id) ?? []),
          ),
        ),
      )
    ).flat()
    const known = new Set([...items, ...containers].map(({ id }) => id))
    for (const memory of [places, statuses, told]) for (const id of memory.keys()) if (!known.has(id)) memory.delete(id)
    return pods
  }

  const begin = async (): Promise<readonly FoundPod[]> => {
    try {
      const pods = await lookNow()
      if (failure) log.info('the container runtime answers again')
      failure = undefined
      tellChanges(pods)
      return pods
    } catch (error) {
      if (!failure) log.error({ err: error }, 'the container runtime does not answer; using last known state')
      failure = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }

  const start = (): Promise<readonly FoundPod[]> => {
    const mine = begin().finally(() => {
      if (current === mine) current = undefined
    })
    current = mine
    return mine
  }

  /** Whoever asks while a look is under way shares the one behind it. */
  const fresh = (): Promise<readonly FoundPod[]> => {
    if (!current) return start()
    next ??= current.then(start, start).finally(() => {
      next = undefined
    })
    return next
  }

  return {
    look: async () => {
      if (failure) throw failure
      return fresh()
    },
    retry: () => fresh().then(() => undefined, errorText),
  }
}
