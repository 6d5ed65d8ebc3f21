/** Carries out what a plan says. The only part of the pod side that changes anything on the node. */
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { type EventRecorder, type EventType, referenceTo } from '../../api/event-recorder.ts'
import { allContainers, ephemeralContainersOf, withEphemeralContainers } from '../../api/pods.ts'
import { quantityValue } from '../../api/quantity.ts'
import { pods } from '../../api/resources.ts'
import type { Container, Pod } from '../../api/types/index.ts'
import type { PodConfig } from '../env/config-source.ts'
import { ConfigError, containerEnv } from '../env/container-env.ts'
import type { NodeFacts } from '../env/field-ref.ts'
import type { ServiceLink } from '../env/service-links.ts'
import { type DiscardLog, makeLogFile, podLogDir, removeLogsBefore } from '../logs/paths.ts'
import { NoRuntimeError } from '../runtime/choose-runtime.ts'
import { type Containers, TargetError } from '../runtime/containers.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import { VolumeError } from '../volumes/plugin.ts'
import type { PodVolumes } from '../volumes/pod-volumes.ts'
import { restartsLabel } from './back-off.ts'
import { containerSpecOf, NoCommandError } from './container-spec.ts'
import type { PostStarts } from './hooks.ts'
import type { ImagePuller } from './image-puller.ts'
import type { KnownPod } from './known-pod.ts'
import { type Action, graceLabel } from './plan.ts'
import type { PodFiles } from './pod-files.ts'
import type { PodSandboxes } from './pod-sandboxes.ts'
import type { Stopper } from './stopper.ts'
import { fileLabel, lifeLabel, sandboxFailure } from './view.ts'

export interface ActionDeps {
  readonly client: Client
  readonly sandboxes: PodSandboxes
  readonly containers: Pick<Containers, 'start'>
  readonly puller: ImagePuller
  readonly files: PodFiles
  readonly volumes: PodVolumes
  readonly stopper: Stopper
  readonly postStarts: PostStarts
  readonly events: EventRecorder
  readonly clock: Clock
  readonly logDir: string
  readonly discardLog: DiscardLog
  readonly configOf: (pod: Pod) => Promise<PodConfig>
  /** Of the pod's RuntimeClass. Throws `NoRuntimeError`. */
  readonly handlerOf: (pod: Pod) => Promise<string | undefined>
  readonly services: () => Iterable<ServiceLink>
  /** Whether the pod is of a file of the node. */
  readonly isStatic: (uid: string) => boolean
  readonly hostIPs: readonly string[]
  readonly allocatable: NodeFacts['allocatable']
  /** The text of the pod's /etc/resolv.conf, and what had to be left out of it. */
  readonly resolvConf:
    | ((pod: Pod) => Promise<{ readonly text: string; readonly warnings: readonly string[] }>)
    | undefined
  /** How long a start that failed waits for its next try. */
  readonly retryMs: number
}

const noVolumes = { mounts: [], devices: [] }

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const containerOf = (pod: Pod, name: string): Container => {
  const found = withEphemeralContainers(pod).find((each) => each.name === name)
  if (!found) throw new Error(`pod ${pod.metadata.name} has no container ${name}`)
  return found
}

export const createActions = (deps: ActionDeps) => {
  const { client, sandboxes, containers, puller, files, volumes, stopper, postStarts } = deps
  const { events, clock, logDir, discardLog, hostIPs } = deps

  const tell = (pod: Pod, type: EventType, reason: string, message: string, container?: string): void =>
    events.record(referenceTo(pod, container && `spec.containers{${container}}`), type, reason, message)

  const failed = ({ failures }: KnownPod, name: string, reason: string, message: string): void =>
    void failures.set(name, { reason, message, retryAt: clock.now() + deps.retryMs })

  /** Throws why there is none. */
  const runtimeOf = ({ runtime, uid }: KnownPod): Runtime => {
    if (runtime === undefined) throw new Error(`no runtime has been chosen for ${uid}`)
    if (runtime instanceof NoRuntimeError) throw runtime
    return runtime
  }

  const isConnected = async (pod: Pod, known: KnownPod, sandbox: SandboxRecord): Promise<void> => {
    known.sandbox = sandbox
    known.lastAddresses = sandbox.addresses
    await files.fillHosts(pod, sandbox.addresses ?? [])
  }

  const makeSandbox = async (pod: Pod, known: KnownPod): Promise<void> => {
    const { name: runtime, capabilities, hasHandlers } = runtimeOf(known)
    const handler = hasHandlers ? await deps.handlerOf(pod) : undefined
    const resolv = await deps.resolvConf?.(pod)
    for (const warning of resolv?.warnings ?? []) tell(pod, 'Warning', 'DNSConfigForming', warning)
    const ownFiles = await files.make(pod, resolv?.text)
    const shared = await volumes.prepare(pod)
    // With roots of their own, each container has its mounts.
    const mounts = capabilities.features.has('images') ? ownFiles : [...ownFiles, ...shared]
    const { name, namespace = '', annotations = {} } = pod.metadata
    const { spec } = pod
    const life = Number(known.sandbox?.labels[lifeLabel] ?? 0) + 1
    const graceMs = (spec.terminationGracePeriodSeconds ?? 30) * 1000
    const { sysctls = [] } = spec.securityContext ?? {}
    const made = await sandboxes.start({
      ...{ id: known.uid, namespace, name, runtime, mounts, hostname: files.hostname(pod), annotations },
      ...{ hostNetwork: spec.hostNetwork ?? false, logDir: podLogDir(logDir, { namespace, name, id: known.uid }) },
      ...(handler !== undefined && handler !== runtime ? { handler } : {}),
      ...(allContainers(pod).some(({ securityContext }) => securityContext?.privileged) ? { privileged: true } : {}),
      ...(spec.hostPID ? { hostPID: true } : {}),
      ...(spec.hostIPC ? { hostIPC: true } : {}),
      ...(spec.shareProcessNamespace ? { shareProcessNamespace: true } : {}),
      ...(sysctls.length > 0 ? { sysctls: Object.fromEntries(sysctls.map((each) => [each.name, each.value])) } : {}),
      labels: {
        ...{ [lifeLabel]: String(life), [graceLabel]: String(graceMs) },
        ...(deps.isStatic(known.uid) ? { [fileLabel]: 'true' } : {}),
      },
    })
    await isConnected(pod, known, made)
  }

  const startSandbox = async (known: KnownPod, pod: Pod): Promise<void> => {
    if (known.sandbox) {
      tell(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
      await sandboxes.end(known.uid, 'keep')
    }
    try {
      await makeSandbox(pod, known)
      known.failures.delete(sandboxFailure)
    } catch (error) {
      const [reason, message] =
        error instanceof VolumeError
          ? ['FailedMount', error.message]
          : ['FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`]
      tell(pod, 'Warning', reason, message)
      failed(known, sandboxFailure, reason, message)
      await sandboxes.end(known.uid, 'keep')
    }
  }

  const connect = async (known: KnownPod, pod: Pod): Promise<void> => {
    if (!known.sandbox) return
    await isConnected(pod, known, await sandboxes.connect(known.sandbox, pod.metadata.annotations ?? {}))
  }

  const specFor = async (pod: Pod, container: Container, known: KnownPod) => {
    const { images, capabilities } = runtimeOf(known)
    const image = await images.find(container.image ?? '')
    if (!image) throw new Error(`image "${container.image}" is not on the node any longer`)
    const facts = { podIPs: known.sandbox?.addresses ?? [], hostIPs, allocatable: deps.allocatable }
    const env = containerEnv({
      ...{ pod, container, facts, hostname: files.hostname(pod), defaults: image.config.env },
      ...{ services: deps.services(), ...(await deps.configOf(pod)) },
    })
    const hasImages = capabilities.features.has('images')
    const nodeBytes = quantityValue(deps.allocatable['memory'] ?? 0)
    const { mounts, devices } = hasImages ? await volumes.ofContainer(pod, container, env) : noVolumes
    const target = ephemeralContainersOf(pod).find(({ name }) => name === container.name)?.targetContainerName
    return {
      ...containerSpecOf(pod, container, image, env, { hasImages, nodeBytes }),
      ...(target ? { target } : {}),
      ...{ mounts, ...(devices.length > 0 ? { devices } : {}) },
    }
  }

  const failStart = (known: KnownPod, pod: Pod, name: string, error: unknown): void => {
    const reason =
      error instanceof ConfigError || error instanceof VolumeError || error instanceof TargetError
        ? 'CreateContainerConfigError'
        : error instanceof NoCommandError
          ? 'CreateContainerError'
          : 'RunContainerError'
    tell(pod, 'Warning', 'Failed', `Error: ${messageOf(error)}`, name)
    failed(known, name, reason, messageOf(error))
  }

  const startContainer = async (
    known: KnownPod,
    pod: Pod,
    { name, attempt, restartsInARow }: Extract<Action, { do: 'start-container' }>,
  ): Promise<void> => {
    const { uid, sandbox, images } = known
    const container = containerOf(pod, name)
    const image = images.get(name)
    // One that was fetched has had its Event.
    if (image && image.pull.pulledAt === undefined)
      tell(pod, 'Normal', 'Pulled', `Container image "${image.reference}" already present on machine`, name)
    try {
      const spec = await specFor(pod, container, known)
      const logged = { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name, id: uid }
      const logFile = await makeLogFile(logDir, logged, name, attempt)
      const labels = { [restartsLabel]: String(restartsInARow), [lifeLabel]: sandbox?.labels[lifeLabel] ?? '' }
      const record = await containers.start(uid, { ...spec, attempt, logFile, labels })
      known.failures.delete(name)
      tell(pod, 'Normal', 'Created', `Created container ${name}`, name)
      if (record.exit?.startError === undefined) tell(pod, 'Normal', 'Started', `Started container ${name}`, name)
      else tell(pod, 'Warning', 'Failed', `Error: failed to start container "${name}": ${record.exit.startError}`, name)
      const handler = container.lifecycle?.postStart
      const target = { containerId: record.id, container, host: sandbox?.addresses?.[0] ?? '' }
      if (handler && !record.exit) postStarts.start(uid, handler, target)
      await removeLogsBefore(logDir, logged, name, attempt - 1, discardLog)
    } catch (error) {
      failStart(known, pod, name, error)
    }
  }

  const pullImage = (known: KnownPod, pod: Pod, name: string): void => {
    const { image: reference = '' } = containerOf(pod, name)
    puller.pull({ pod, container: name, reference, images: runtimeOf(known).images })
  }

  const stopContainer = ({ pod, sandbox }: KnownPod, action: Extract<Action, { do: 'stop-container' }>): void => {
    const { id, graceMs, why } = action
    const name = sandbox?.containers.find((each) => each.id === id)?.name ?? ''
    const container = pod && containerOf(pod, name)
    const handler = container?.lifecycle?.preStop
    const target = container && { containerId: id, container, host: sandbox?.addresses?.[0] ?? '' }
    const began = stopper.stop({ id, graceMs, ...(handler && target ? { preStop: { handler, target } } : {}) })
    if (began && pod) tell(pod, 'Normal', 'Killing', why, name)
  }

  /** The records of its containers stay, and nothing else of it on the node's disk but their logs. */
  const endSandbox = async (uid: string): Promise<void> => {
    await sandboxes.end(uid, 'keep')
    await volumes.remove(uid)
  }

  const forget = async ({ uid, sandbox }: KnownPod): Promise<void> => {
    await sandboxes.end(uid, 'forget')
    puller.forget(uid)
    await volumes.remove(uid)
    await files.remove(uid)
    if (sandbox) await discardLog(podLogDir(logDir, sandbox))
  }

  const deletePod = async (pod: Pod): Promise<void> => {
    const { uid = '' } = pod.metadata
    try {
      await client.delete(pods, pod, { gracePeriodSeconds: 0, preconditions: { uid } })
    } catch (error) {
      // Somebody was faster; another pod of that name is none of our business.
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }

  /** Carries out one action. Failures to start are noted with the pod; others are thrown. */
  return async (action: Action, known: KnownPod): Promise<void> => {
    const { pod, uid } = known
    if (action.do === 'end-sandbox') return endSandbox(uid)
    if (action.do === 'forget') return forget(known)
    if (action.do === 'stop-container') return stopContainer(known, action)
    if (!pod) throw new Error(`cannot ${action.do} for ${uid}: the pod is unknown`)
    if (action.do === 'delete-pod') return deletePod(pod)
    if (action.do === 'start-sandbox') return startSandbox(known, pod)
    if (action.do === 'pull-image') return pullImage(known, pod, action.name)
    if (action.do === 'start-container') return startContainer(known, pod, action)
    await connect(known, pod)
  }
}
