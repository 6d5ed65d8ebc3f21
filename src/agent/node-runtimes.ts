/** The runtimes of a node: containers of images, and processes. */
import { join } from 'node:path'
import { aborted } from '../api/clock.ts'
import type { StringMap } from '../api/types/index.ts'
import type { Cgroups } from '../host/cgroup.ts'
import type { CommandRunner } from '../host/command.ts'
import { canSetGroups, readIdMap } from '../host/id-map.ts'
import type { Logger } from '../host/log.ts'
import { once } from '../host/once.ts'
import type { CollectionPolicy } from '../images/collect/candidates.ts'
import { type Collector, createCollector, type OnCollectionFailure } from '../images/collect/collector.ts'
import { type NodeImages, openNodeImages } from '../images/node/open-images.ts'
import type { Capabilities } from './runtime/capabilities.ts'
import type { CriClient } from './runtime/cri/client.ts'
import { createCriRuntime } from './runtime/cri/cri-runtime.ts'
import type { OnDown } from './runtime/cri/down-watch.ts'
import { criCollection } from './runtime/cri/image-collection.ts'
import type { OpenedRuntime } from './runtime/cri/open-runtime.ts'
import { readNodeFacts } from './runtime/oci/node-facts.ts'
import { createNodeImages } from './runtime/oci/node-images.ts'
import { createOciRuntime } from './runtime/oci/oci-runtime.ts'
import { findProgram } from './runtime/oci/program.ts'
import { createProcessRuntime } from './runtime/process/process-runtime.ts'
import type { RuntimeFactory } from './runtime/runtime.ts'
import { type NodeRuntimeName, type RuntimeName, runtimeDir } from './runtime/runtime-names.ts'
import { openLimits } from './runtime/shared/limits.ts'

export interface NodeRuntimesOptions {
  /** What runs pods that do not ask for another. */
  readonly first: NodeRuntimeName
  /** Missing where none is to be used. */
  readonly containerRuntime: OpenedRuntime | undefined
  readonly onDown: OnDown
  readonly nodeName: string
  readonly hostIPs: readonly string[]
  readonly stateDir: string
  readonly dataDir: string
  readonly cgroupParent: string
  /** The variables that every process of a pod without an image gets. */
  readonly env: StringMap
  readonly runner: CommandRunner
  readonly log: Logger
  readonly imageCollection: CollectionPolicy
  readonly onCollectionFailure: OnCollectionFailure
  /** Images are collected until it aborts. */
  readonly signal: AbortSignal
}

export interface NodeRuntimes {
  readonly factories: readonly [RuntimeFactory, ...RuntimeFactory[]]
  /** Removes the images that nobody uses. */
  removeUnusedImages(): Promise<void>
}

/** Where the images of a node are, below what its agent keeps. */
export const imageDir = (dataDir: string): string => join(dataDir, 'images')

type Identities = Pick<Capabilities, 'canBecome' | 'canSetGroups'>

const collectWith = (collector: Collector, options: NodeRuntimesOptions): void => {
  collector.start(options.imageCollection, options.onCollectionFailure)
  void aborted(options.signal).then(collector.close)
}

const openImages = async (options: NodeRuntimesOptions): Promise<NodeImages> => {
  const { dataDir, runner, log } = options
  const onNotice = (message: string): void => log.warn(message)
  const opened = await openNodeImages({ folder: imageDir(dataDir), runner, onNotice })
  collectWith(opened.collector, options)
  return opened
}

const startCollector = (client: CriClient, options: NodeRuntimesOptions): Collector => {
  const onNotice = (message: string): void => options.log.warn(message)
  const collector = createCollector({ from: criCollection({ client }), onNotice })
  collectWith(collector, options)
  return collector
}

const ociFactory = async (
  { stateDir, dataDir, runner, log }: NodeRuntimesOptions,
  open: () => Promise<NodeImages>,
  identities: Identities,
  cgroups: Cgroups | undefined,
): Promise<RuntimeFactory> => {
  const facts = await readNodeFacts()
  const { images, roots } = createNodeImages(open)
  const program = once(() => findProgram(runner, facts.isCgroup2))
  return (onChange, onDamage) =>
    createOciRuntime({
      ...{ stateDir: runtimeDir(stateDir, 'oci'), diskDir: join(dataDir, 'containers') },
      ...{ seccompDir: join(dataDir, 'seccomp'), program, facts, images, roots, cgroups, identities },
      ...{ onChange, onDamage, log },
    })
}

/** Each runtime has control groups of its own: it ends those that it does not know. */
const limitsOf = async (parent: string, log: Logger): Promise<Readonly<Record<RuntimeName, Cgroups | undefined>>> => {
  const ofProcesses = await openLimits(parent, log)
  return { process: ofProcesses, oci: ofProcesses && (await openLimits(`${parent}-oci`, log)) }
}

export const nodeRuntimes = async (options: NodeRuntimesOptions): Promise<NodeRuntimes> => {
  const { first, stateDir, env, log, containerRuntime } = options
  const identities = { canBecome: await readIdMap(), canSetGroups: await canSetGroups() }
  const limits = await limitsOf(options.cgroupParent, log)
  const open = once(() => openImages(options))
  const oci = await ociFactory(options, open, identities, limits.oci)
  const ofProcesses: RuntimeFactory = (onChange, onDamage) =>
    createProcessRuntime({
      ...{ stateDir: runtimeDir(stateDir, 'process'), cgroups: limits.process, onChange, onDamage, log },
      ...{ identities, env },
    })
  const ofContainerRuntime = containerRuntime && startCollector(containerRuntime.client, options)
  const collectors: readonly (() => Promise<Collector>)[] = [
    async () => (await open()).collector,
    ...(ofContainerRuntime ? [async () => ofContainerRuntime] : []),
  ]
  const removeUnusedImages = async (): Promise<void> => {
    for (const collector of collectors)
      try {
        await (await collector()).removeUnused(options.imageCollection.minimumAgeMs)
      } catch (error) {
        log.warn({ err: error }, 'cannot remove images that nobody uses')
      }
  }
  if (!containerRuntime)
    return { factories: first === 'oci' ? [oci, ofProcesses] : [ofProcesses, oci], removeUnusedImages }
  const { client, version } = containerRuntime
  const cri: RuntimeFactory = (onChange, onDamage) =>
    createCriRuntime({
      ...{
        client,
        onDown: options.onDown,
        runtimeName: version.runtimeName,
        node: options.nodeName,
        hostIPs: options.hostIPs,
      },
      ...{ stateDir: join(stateDir, 'cri'), seccompDir: join(options.dataDir, 'seccomp'), onChange, onDamage, log },
    })
  return { factories: [cri, oci, ofProcesses], removeUnusedImages }
}
