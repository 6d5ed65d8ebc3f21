/** The part of the agent that runs the pods bound to its node. */

import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../api/client.ts'
import { aborted, type Clock, systemClock } from '../api/clock.ts'
import { createEventRecorder, referenceTo } from '../api/event-recorder.ts'
import { failureText } from '../api/failure-text.ts'
import { createInformer } from '../api/informer.ts'
import type { CopyReader } from '../api/local-copy.ts'
import { isFinished } from '../api/pods.ts'
import { pods as podResource } from '../api/resources.ts'
import type { Pod } from '../api/types/index.ts'
import { createWorkQueue, type Outcome } from '../api/work-queue.ts'
import type { CommandRunner } from '../host/command.ts'
import type { Logger } from '../host/log.ts'
import { createConfigSource } from './env/config-source.ts'
import type { NodeFacts } from './env/field-ref.ts'
import type { ServiceLink } from './env/service-links.ts'
import { createPodDisk, type PodDisk } from './eviction/pod-disk.ts'
import { createLogForward, type LogForwardOptions, noLogForward } from './logs/forward/log-forward.ts'
import { createLogKeeper } from './logs/keeper.ts'
import { removeEndedLogs, removeOtherLogs } from './logs/paths.ts'
import { nodeReference } from './node/node-events.ts'
import { type ActionDeps, createActions } from './pods/actions.ts'
import { type AdmittingNode, rejectionOf as podRejection, type Rejection } from './pods/admission.ts'
import { type BackOff, defaultBackOff } from './pods/back-off.ts'
import type { PodEnding } from './pods/ending.ts'
import { createPostStarts, createRunHook } from './pods/hooks.ts'
import { createImagePuller } from './pods/image-puller.ts'
import { createPodFiles } from './pods/pod-files.ts'
import type { PodNetwork } from './pods/pod-network.ts'
import { createPodSandboxes } from './pods/pod-sandboxes.ts'
import { createPullSecrets } from './pods/pull-secrets.ts'
import { createStatusWriter } from './pods/status-writer.ts'
import { createStopper } from './pods/stopper.ts'
import { fileLabel } from './pods/view.ts'
import { createPodWorker } from './pods/worker.ts'
import { createRunHandler } from './probes/handler.ts'
import { createProber } from './probes/prober.ts'
import { chooseRuntime, NoRuntimeError } from './runtime/choose-runtime.ts'
import { sandboxOf } from './runtime/ids.ts'
import type { RuntimeFactory } from './runtime/runtime.ts'
import { createRuntimes, type Runtimes } from './runtime/runtimes.ts'
import type { SandboxRecord } from './runtime/sandboxes.ts'
import { followManifests } from './static-pods/folder.ts'
import { createMirrors } from './static-pods/mirrors.ts'
import { createNodePods } from './static-pods/node-pods.ts'
import { callCsi } from './volumes/csi-call.ts'
import { createCsiDrivers } from './volumes/csi-drivers.ts'
import { reportCsiNode } from './volumes/csi-node.ts'
import { volumeConfigNames } from './volumes/file-volumes.ts'
import type { NodeMounts } from './volumes/node-mounts.ts'
import { createVolumePlugins } from './volumes/plugins.ts'
import { createPodVolumes, volumeFolders } from './volumes/pod-volumes.ts'
import { createVolumeRefresher } from './volumes/refresher.ts'

export interface PodAgentOptions {
  readonly client: Client
  readonly nodeName: string
  /** The first is the one of pods that do not ask for another. */
  readonly runtimes: readonly [RuntimeFactory, ...RuntimeFactory[]]
  /** The handler of a RuntimeClass; undefined when there is no such class. */
  readonly handlerOf: (runtimeClass: string) => Promise<string | undefined>
  readonly network: PodNetwork
  readonly runner: CommandRunner
  readonly log: Logger
  /** For files that should not outlive the pods, such as their resolv.conf. */
  readonly stateDir: string
  /** For the containers' logs; on a disk. */
  readonly logDir: string
  /** For volumes that last as long as their pods; on a disk. */
  readonly volumeDir: string
  readonly csi: {
    /** Where drivers of the node have their sockets. */
    readonly folder: string
    /** Where they stage volumes. */
    readonly stagingDir: string
  }
  readonly nodeMounts: NodeMounts
  readonly hostIPs: readonly string[]
  readonly clusterDomain: string
  /** What the node can give to pods: the limit of containers without one. */
  readonly allocatable: NodeFacts['allocatable']
  /** This node as the API has it, and what it is short of: whether it takes a pod. */
  readonly nodeNow?: () => Pick<AdmittingNode, 'node' | 'pressures'>
  /** Whether somebody forwards host ports to pods. */
  readonly hostPorts: boolean
  /** The Services of the cluster; nothing is started before they are `synced`. */
  readonly services: { readonly synced: Promise<void>; readonly all: () => Iterable<ServiceLink> }
  /** The text of a pod's /etc/resolv.conf. Without it pods see the node's. */
  readonly resolvConf?: ActionDeps['resolvConf']
  readonly backOff?: BackOff
  /** How long a start that failed waits for its next try. */
  readonly retryMs?: number
  /** When a log is rotated, and how many old parts are kept. */
  readonly logLimits?: { readonly maxBytes?: number; readonly keep?: number }
  /** Where logs are forwarded to; nowhere when missing. */
  readonly logForward?: Pick<LogForwardOptions, 'sinks' | 'counters' | 'folder'>
  readonly clock?: Clock
  readonly random?: () => number
  /** How many pods are worked on at the same time. */
  readonly concurrency?: number
  /** How long a pod counts as one of them: what hangs holds no other pod back. */
  readonly slotMs?: number
  /** Why the node takes no pods at all now. */
  readonly rejection?: () => Rejection | undefined
  /** A folder of manifests: pods of the node's own, which run whatever the API says. */
  readonly podManifestPath?: string | undefined
}

export interface PodAgent {
  /** The pods of this node: those that the API has bound to it, and those of its own files. */
  readonly pods: CopyReader<Pod>
  readonly runtimes: Runtimes
  /** Those of the node's own files that were ended start again. */
  restartStatic(): void
  /** Whether the pod of this uid is one of the node's own files. */
  isStatic(uid: string): boolean
  /** By uid. */
  podOf(uid: string): Pod | undefined
  /** The folders that hold the volumes of a pod, by its uid. */
  volumesOf(uid: string): readonly string[]
  /** What they have on the node's disk. */
  readonly disk: PodDisk
  /** Removes the logs of what has ended. */
  removeEndedLogs(): Promise<void>
  /** Ends a pod that nobody has asked to end. */
  end(uid: string, ending: PodEnding): void
  /** Runs until `signal` aborts, and leaves the pods running. */
  run(signal: AbortSignal): Promise<void>
}

/** How soon to look again whether a pod of a file has made room for the next one of that name. */
const successorMs = 500

const isOfFile = (sandbox: SandboxRecord | undefined): boolean => sandbox?.labels[fileLabel] !== undefined

const keyOf = (sandboxes: readonly SandboxRecord[], id: string): string => {
  const found = sandboxes.find((each) => each.id === id)
  return found ? `${found.namespace}/${found.name}` : id
}

/** Everything is built here and nothing is started. */
export const createPodAgent = (options: PodAgentOptions): PodAgent => {
  const { client, nodeName, network, log, logDir, stateDir, clock = systemClock, random = Math.random } = options
  const { nodeMounts, hostIPs, backOff = defaultBackOff, retryMs = 5_000, concurrency = 8, slotMs = 5_000 } = options
  const onError = (error: unknown, retryInMs: number) => log.warn({ err: error, retryInMs }, 'cannot list the pods')
  const selection = { fieldSelector: `spec.nodeName=${nodeName}` }
  const api = createInformer(client, podResource, { ...selection, clock, onError })
  const nodePods = createNodePods(api)
  const { pods } = nodePods

  /** The keys of the pods of this node, by uid: two pods can have the same name one after the other. */
  const keys = new Map<string, string>()
  const podOf = (uid: string): Pod | undefined => {
    const pod = pods.get(keys.get(uid) ?? '')
    return pod?.metadata.uid === uid ? pod : undefined
  }

  const events = createEventRecorder({ client, component: 'kubelet', host: nodeName, log, clock })
  const tellNode = (reason: string, message: string): void => {
    log.error(message)
    // Found at the start, when the API may be away.
    void api.synced.then(() => events.record(nodeReference(nodeName), 'Warning', reason, message))
  }
  const onDamage = (message: string): void => tellNode('DamagedPodState', message)
  const onChange = (uid: string): void => queue.add(uid)
  const [first, ...others] = options.runtimes
  const runtimes = createRuntimes(
    [first(onChange, onDamage), ...others.map((create) => create(onChange, onDamage))],
    log,
  )
  const { containers, streams } = runtimes
  const sandboxes = createPodSandboxes({ sandboxes: runtimes.sandboxes, network, hostIPs })

  const handlerOf = async ({ spec: { runtimeClassName } }: Pod): Promise<string | undefined> => {
    if (!runtimeClassName) return undefined
    const handler = await options.handlerOf(runtimeClassName).catch((error: unknown) => {
      throw new NoRuntimeError(`cannot read RuntimeClass "${runtimeClassName}": ${failureText(error)}; trying again`)
    })
    if (handler === undefined) throw new NoRuntimeError(`RuntimeClass "${runtimeClassName}" not found`)
    return handler
  }
  const runtimeOf = async (pod: Pod, sandbox: SandboxRecord | undefined) =>
    chooseRuntime(runtimes.all, pod, sandbox?.runtime ?? (await handlerOf(pod)))
  const tell = (uid: string, container: string, reason: string, message: string): void => {
    const pod = podOf(uid)
    if (pod) events.record(referenceTo(pod, `spec.containers{${container}}`), 'Warning', reason, message)
  }

  const runHandler = createRunHandler({ exec: streams.exec })
  const runHook = createRunHook(runHandler, clock)
  const prober = createProber({
    ...{ run: runHandler, clock, random, onChange: (uid) => queue.add(uid) },
    onFailure: (uid, container, kind, complaint) =>
      tell(uid, container, 'Unhealthy', `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: ${complaint}`),
  })
  const postStarts = createPostStarts(runHook, (uid, { container }, complaint) => {
    if (complaint !== '') tell(uid, container.name, 'FailedPostStartHook', `PostStartHook failed: ${complaint}`)
    queue.add(uid)
  })
  const stopper = createStopper({
    ...{ containers, runHook, clock, log },
    onHookFailure: (id, complaint) => {
      const name = id.split('_')[1] ?? ''
      tell(sandboxOf(id), name, 'FailedPreStopHook', `PreStopHook failed: ${complaint}`)
    },
  })
  const forward = options.logForward
    ? createLogForward({
        ...{ ...options.logForward, nodeName, logDir, log, clock, random, sandboxes: runtimes.sandboxes.list },
        labelsOf: (uid) => podOf(uid)?.metadata.labels,
      })
    : noLogForward
  const files = createPodFiles(join(stateDir, 'files'), options.clusterDomain)
  const configOf = createConfigSource({ client, clock })
  const drivers = createCsiDrivers({
    ...{ folder: options.csi.folder, call: callCsi },
    onProblem: (socket, error) => log.warn({ err: error, socket }, 'no CSI driver answers there'),
  })
  const plugins = createVolumePlugins({
    ...{ client, clock, mounts: nodeMounts, allocatable: options.allocatable },
    ...{ drivers, stagingDir: options.csi.stagingDir },
    configOf: (pod) => configOf(pod, volumeConfigNames(pod)),
  })
  const places = { folderOf: files.folderOf, diskDir: options.volumeDir }
  const volumes = createPodVolumes({ ...places, plugins, mounts: nodeMounts })
  const refresher = createVolumeRefresher({
    ...{ volumes, clock },
    pods: async () =>
      (await runtimes.sandboxes.list()).flatMap(({ id, running }) => (running ? (podOf(id) ?? []) : [])),
    onError: (pod, error) => {
      log.warn({ err: error, pod: keys.get(pod.metadata.uid ?? '') }, 'cannot refresh the volumes of a pod')
      events.record(referenceTo(pod), 'Warning', 'FailedMount', error instanceof Error ? error.message : String(error))
    },
  })
  const puller = createImagePuller({
    ...{ clock, loginsOf: createPullSecrets(client, log), onChange },
    tell: (pod, type, reason, message, container) =>
      events.record(referenceTo(pod, `spec.containers{${container}}`), type, reason, message),
  })
  const act = createActions({
    ...{ client, sandboxes, containers, puller, stopper, postStarts, events, clock, logDir, hostIPs, retryMs },
    discardLog: forward.discard,
    ...{ allocatable: options.allocatable, resolvConf: options.resolvConf, files, volumes },
    configOf: (pod) => configOf(pod),
    handlerOf,
    ...{ services: options.services.all, isStatic: nodePods.isStatic },
  })
  const statuses = nodePods.statuses(createStatusWriter(client))
  const mirrors = createMirrors({
    ...{ client, nodeName, api, nodePods, clock, log },
    onProblem: (message) => tellNode('FailedMirrorPod', message),
  })
  const { nodeNow = () => ({ node: undefined, pressures: new Set<never>() }), allocatable } = options
  /** Those that were taken and may not have said so to the API yet, by uid. */
  const admitted = new Set<string>()
  const rejectionOf = (pod: Pod): Rejection | undefined => {
    const { uid = '' } = pod.metadata
    const refused = options.rejection?.()
    if (refused) return refused
    // Whoever wrote the file has decided.
    if (nodePods.isStatic(uid)) return undefined
    const isTaken = (other: Pod): boolean =>
      admitted.has(other.metadata.uid ?? '') || other.status?.startTime !== undefined
    const others = [...pods.values()].filter(
      (other) => other.metadata.uid !== uid && !isFinished(other) && isTaken(other),
    )
    const rejection = podRejection(pod, others, { name: nodeName, allocatable, ...nodeNow() })
    if (!rejection) admitted.add(uid)
    return rejection
  }
  const worker = createPodWorker({
    ...{
      sandboxes,
      runtimeOf,
      puller,
      prober,
      postStarts,
      stopper,
      statuses,
      events,
      clock,
      backOff,
      hostIPs,
      podOf,
      act,
    },
    rejectionOf,
    networkTrouble: (uid) => network.troubles?.of(uid),
    hostPorts: options.hostPorts,
  })

  /** Before the API's word on its pods; those of files need none. */
  const held = new Set<string>()
  let isHolding = true
  /** Resolves to whether the pod may be looked at. One of a file waits for the end of the one that its file described before. */
  const mayLook = async (uid: string): Promise<boolean | 'later'> => {
    if (!isHolding && !nodePods.isStatic(uid)) return true
    const known = await sandboxes.list()
    const sandbox = known.find(({ id }) => id === uid)
    if (isHolding && !nodePods.isStatic(uid) && !isOfFile(sandbox)) return false
    const key = nodePods.isStatic(uid) && !sandbox ? keys.get(uid) : undefined
    return known.some((each) => `${each.namespace}/${each.name}` === key && each.running) ? 'later' : true
  }
  const reconcile = async (uid: string): Promise<Outcome> => {
    const look = await mayLook(uid)
    if (look === 'later') return { againInMs: successorMs }
    if (look) return worker.reconcile(uid)
    held.add(uid)
    return 'done'
  }
  const queue = createWorkQueue(reconcile, {
    ...{ clock, concurrency, slotMs, backoffMs: { base: 50, max: 5_000 } },
    onError: (uid, error, retryInMs) =>
      log.error({ err: error, pod: keys.get(uid) ?? uid, retryInMs }, 'cannot bring a pod in line'),
  })

  network.troubles?.onChange((uid) => queue.add(uid))
  api.onChange((key) => {
    const pod = nodePods.staticPods().get(key)
    if (pod?.metadata.uid !== undefined) queue.add(pod.metadata.uid)
    mirrors.markAll()
  })
  pods.onChange((key, current, previous) => {
    for (const uid of [previous?.metadata.uid, current?.metadata.uid]) {
      if (uid === undefined) continue
      keys.set(uid, key)
      queue.add(uid)
    }
    if (previous?.metadata.uid === undefined) return
    if (!current) keys.delete(previous.metadata.uid)
    if (previous.metadata.uid !== current?.metadata.uid) admitted.delete(previous.metadata.uid)
  })

  const keeper = createLogKeeper({
    ...{ runner: options.runner, log, clock, ...options.logLimits },
    active: async () =>
      (await sandboxes.list()).flatMap(({ containers }) =>
        containers
          .filter(({ exit }) => !exit)
          .map(({ id, logFile: file, logFormat }) => ({
            file,
            ...(logFormat === 'cri' ? { reopen: async () => runtimes.containers.reopenLog?.(id) } : {}),
          })),
      ),
  })

  /** Takes over what an earlier agent left, before anything new is begun. */
  const takeOver = async (): Promise<void> => {
    const before = await sandboxes.list()
    const running = before.filter((each) => each.running && !each.hostNetwork && !each.addresses)
    // Nobody can reach a pod at an address that is not of this node: it starts anew, in a sandbox with another one.
    for (const id of await network.retain(running.map(({ id }) => id))) {
      log.warn({ pod: keyOf(before, id) }, 'pod has no address of this node any longer: it starts anew')
      await sandboxes.end(id, 'keep')
    }
    const found = await sandboxes.list()
    worker.adopt(found)
    await removeOtherLogs(logDir, found, forward.discard)
    if (found.length > 0) log.info({ running: running.length, known: found.length }, 'took over pods')
    for (const { id } of found) queue.add(id)
  }

  /** After a reboot nobody but the API and the disk knows of a pod. One that has ended needs none any longer. */
  const removeOtherVolumes = async (): Promise<void> => {
    await mkdir(options.volumeDir, { recursive: true, mode: 0o700 })
    const running = new Set((await sandboxes.list()).flatMap(({ id, running }) => (running ? [id] : [])))
    const isInUse = (uid: string): boolean => {
      const pod = podOf(uid)
      return running.has(uid) || (pod !== undefined && !isFinished(pod))
    }
    for (const uid of await readdir(options.volumeDir))
      if (!isInUse(uid))
        await volumes.remove(uid).catch((error: unknown) => log.warn({ err: error, uid }, 'cannot remove old volumes'))
  }

  const csiNodeFailed = (error: unknown): void =>
    log.warn({ err: error }, 'cannot tell the API of the CSI drivers of this node; trying again')

  /** Without the API's word on every pod, what runs would look like what nobody wants. */
  const letOthersIn = async (signal: AbortSignal): Promise<void> => {
    await Promise.race([Promise.all([api.synced, options.services.synced]), aborted(signal)])
    if (signal.aborted) return
    await removeOtherVolumes()
    isHolding = false
    for (const uid of held) queue.add(uid)
    held.clear()
    mirrors.markAll()
  }

  const followFiles = async (folder: string, signal: AbortSignal): Promise<void> => {
    const onPods = (found: readonly Pod[]): void => {
      nodePods.setStatic(found)
      mirrors.markAll()
    }
    const onProblem = (message: string): void => tellNode('InvalidStaticPod', message)
    await followManifests({ folder, nodeName, clock, onPods, onProblem }, signal)
  }

  return {
    pods,
    isStatic: nodePods.isStatic,
    restartStatic: () => {
      for (const uid of nodePods.renewStatic()) {
        worker.spare(uid)
        queue.add(uid)
      }
    },
    podOf,
    runtimes,
    volumesOf: (uid) => Object.values(volumeFolders(places, uid)),
    disk: createPodDisk({
      ...{ runner: options.runner, logDir, sandboxes: runtimes.sandboxes.list, writableOf: runtimes.stats.writableOf },
      volumeDirOf: (uid) => volumeFolders(places, uid).onDisk,
    }),
    removeEndedLogs: async () => removeEndedLogs(logDir, await sandboxes.list(), forward.discard),
    end: (uid, ending) => {
      worker.end(uid, ending)
      queue.add(uid)
    },
    run: async (signal) => {
      if (options.podManifestPath !== undefined) await followFiles(options.podManifestPath, signal)
      await takeOver()
      await Promise.all([
        ...[api.run(signal), runtimes.run(signal), letOthersIn(signal), queue.run(signal)],
        ...[mirrors.run(signal), keeper.run(signal), refresher(signal), forward.run(signal)],
        reportCsiNode({ client, nodeName, drivers, clock, onError: csiNodeFailed }, signal),
      ])
      stopper.forgetAll()
      prober.stop()
    },
  }
}
