/** Carries out what a plan says. The only part of the pod side that changes anything on the node. */
import { rm } from 'node:fs/promises'
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { type EventRecorder, type EventType, referenceTo } from '../../api/event-recorder.ts'
import { pods } from '../../api/resources.ts'
import type { Container, Pod } from '../../api/types/index.ts'
import type { PodConfig } from '../env/config-source.ts'
import { ConfigError, containerEnv } from '../env/container-env.ts'
import type { NodeFacts } from '../env/field-ref.ts'
import type { ServiceLink } from '../env/service-links.ts'
import { makeLogFile, podLogDir, removeLogsBefore } from '../logs/paths.ts'
import type { Runtime, SandboxRecord } from '../runtime/runtime.ts'
import { type PodVolumes, VolumeError } from '../volumes/pod-volumes.ts'
import { restartsLabel } from './back-off.ts'
import type { PostStarts } from './hooks.ts'
import { containerSpecOf, NoCommandError } from './launch.ts'
import { type Action, graceLabel } from './plan.ts'
import type { PodFiles } from './pod-files.ts'
import type { PodNetwork } from './pod-network.ts'
import type { Stopper } from './stopper.ts'
import { lifeLabel, sandboxTrouble, type Trouble } from './view.ts'

export interface ActionDeps {
  readonly client: Client
  readonly runtime: Runtime
  readonly network: PodNetwork
  readonly files: PodFiles
  readonly volumes: PodVolumes
  readonly stopper: Stopper
  readonly postStarts: PostStarts
  readonly events: EventRecorder
  readonly clock: Clock
  readonly logDir: string
  readonly configOf: (pod: Pod) => Promise<PodConfig>
  readonly services: () => Iterable<ServiceLink>
  readonly envDefaults: Readonly<Record<string, string>>
  readonly hostIPs: readonly string[]
  readonly allocatable: NodeFacts['allocatable']
  /** The text of the pod's /etc/resolv.conf, and what had to be left out of it. */
  readonly resolvConf:
    | ((pod: Pod) => Promise<{ readonly text: string; readonly warnings: readonly string[] }>)
    | undefined
  /** How long a start that failed waits for its next try. */
  readonly retryMs: number
}

/** What is remembered of a pod between two looks. */
export interface PodMemory {
  addresses: readonly string[] | undefined
  lastAddresses: readonly string[] | undefined
  readonly troubles: Map<string, Trouble>
}

/** The pod an action is for. The object is missing for one that nobody remembers. */
export interface Subject {
  readonly uid: string
  readonly pod: Pod | undefined
  readonly sandbox: SandboxRecord | undefined
  readonly memory: PodMemory
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const containerOf = (pod: Pod, name: string): Container => {
  const found = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find((each) => each.name === name)
  if (!found) throw new Error(`pod ${pod.metadata.name} has no container ${name}`)
  return found
}

export const createActions = (deps: ActionDeps) => {
  const { client, runtime, network, files, volumes, stopper, postStarts, events, clock, logDir, hostIPs } = deps

  const tell = (pod: Pod, type: EventType, reason: string, message: string, container?: string): void =>
    events.record(referenceTo(pod, container && `spec.containers{${container}}`), type, reason, message)

  const trouble = ({ memory }: Subject, name: string, reason: string, message: string): void =>
    void memory.troubles.set(name, { reason, message, retryAt: clock.now() + deps.retryMs })

  const attach = async (pod: Pod, sandbox: SandboxRecord, memory: PodMemory): Promise<void> => {
    const { id, namespace, name, pid } = sandbox
    const { annotations = {} } = pod.metadata
    memory.addresses = sandbox.hostNetwork ? hostIPs : await network.attach({ id, namespace, name, pid, annotations })
    memory.lastAddresses = memory.addresses
    await files.fillHosts(pod, memory.addresses)
  }

  const makeSandbox = async (pod: Pod, { uid, sandbox, memory }: Subject): Promise<void> => {
    const resolv = await deps.resolvConf?.(pod)
    for (const warning of resolv?.warnings ?? []) tell(pod, 'Warning', 'DNSConfigForming', warning)
    const mounts = [...(await files.make(pod, resolv?.text)), ...(await volumes.make(pod))]
    const { name, namespace = '' } = pod.metadata
    const life = Number(sandbox?.labels[lifeLabel] ?? 0) + 1
    const graceMs = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
    const made = await runtime.startSandbox({
      ...{ id: uid, namespace, name, mounts, hostname: files.hostname(pod) },
      hostNetwork: pod.spec.hostNetwork ?? false,
      labels: { [lifeLabel]: String(life), [graceLabel]: String(graceMs) },
    })
    await attach(pod, made, memory)
  }

  const endSandbox = async ({ uid, memory }: Subject): Promise<void> => {
    await runtime.end(uid, 'keep')
    await network.detach(uid)
    memory.addresses = undefined
  }

  const startSandbox = async (subject: Subject, pod: Pod): Promise<void> => {
    if (subject.sandbox) {
      tell(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
      await endSandbox(subject)
    }
    try {
      await makeSandbox(pod, subject)
      subject.memory.troubles.delete(sandboxTrouble)
    } catch (error) {
      const [reason, message] =
        error instanceof VolumeError
          ? ['FailedMount', error.message]
          : ['FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`]
      tell(pod, 'Warning', reason, message)
      trouble(subject, sandboxTrouble, reason, message)
      await endSandbox(subject)
    }
  }

  const specFor = async (pod: Pod, container: Container, memory: PodMemory) => {
    const facts = { podIPs: memory.addresses ?? [], hostIPs, allocatable: deps.allocatable }
    const env = containerEnv({
      ...{ pod, container, facts, hostname: files.hostname(pod), defaults: deps.envDefaults },
      ...{ services: deps.services(), ...(await deps.configOf(pod)) },
    })
    return containerSpecOf(pod, container, env)
  }

  const failStart = (subject: Subject, pod: Pod, name: string, error: unknown): void => {
    const reason =
      error instanceof ConfigError
        ? 'CreateContainerConfigError'
        : error instanceof NoCommandError
          ? 'CreateContainerError'
          : 'RunContainerError'
    tell(pod, 'Warning', 'Failed', `Error: ${messageOf(error)}`, name)
    trouble(subject, name, reason, messageOf(error))
  }

  const startContainer = async (
    subject: Subject,
    pod: Pod,
    { name, attempt, restartsInARow }: Extract<Action, { do: 'start-container' }>,
  ): Promise<void> => {
    const { uid, sandbox, memory } = subject
    const container = containerOf(pod, name)
    try {
      const spec = await specFor(pod, container, memory)
      const logged = { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name, id: uid }
      const logFile = await makeLogFile(logDir, logged, name, attempt)
      const labels = { [restartsLabel]: String(restartsInARow), [lifeLabel]: sandbox?.labels[lifeLabel] ?? '' }
      const record = await runtime.startContainer(uid, { ...spec, attempt, logFile, labels })
      memory.troubles.delete(name)
      tell(pod, 'Normal', 'Created', `Created container ${name}`, name)
      if (record.exit?.startError === undefined) tell(pod, 'Normal', 'Started', `Started container ${name}`, name)
      else tell(pod, 'Warning', 'Failed', `Error: failed to start container "${name}": ${record.exit.startError}`, name)
      const handler = container.lifecycle?.postStart
      const target = { containerId: record.id, container, host: memory.addresses?.[0] ?? '' }
      if (handler && !record.exit) postStarts.start(uid, handler, target)
      await removeLogsBefore(logDir, logged, name, attempt - 1)
    } catch (error) {
      failStart(subject, pod, name, error)
    }
  }

  const stopContainer = (
    { pod, sandbox, memory }: Subject,
    action: Extract<Action, { do: 'stop-container' }>,
  ): void => {
    const { id, graceMs, why } = action
    const name = sandbox?.containers.find((each) => each.id === id)?.name ?? ''
    const container = pod && containerOf(pod, name)
    const handler = container?.lifecycle?.preStop
    const target = container && { containerId: id, container, host: memory.addresses?.[0] ?? '' }
    const began = stopper.stop({ id, graceMs, ...(handler && target ? { preStop: { handler, target } } : {}) })
    if (began && pod) tell(pod, 'Normal', 'Killing', why, name)
  }

  const forget = async ({ uid, sandbox }: Subject): Promise<void> => {
    await runtime.end(uid, 'forget')
    await network.detach(uid)
    volumes.forget(uid)
    await files.remove(uid)
    if (sandbox) await rm(podLogDir(logDir, sandbox), { recursive: true, force: true })
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

  /** Carries out one action. Failures to start are noted in the pod's memory; others are thrown. */
  return async (action: Action, subject: Subject): Promise<void> => {
    const { pod, sandbox, memory } = subject
    if (action.do === 'end-sandbox') return endSandbox(subject)
    if (action.do === 'forget') return forget(subject)
    if (action.do === 'stop-container') return stopContainer(subject, action)
    if (!pod) throw new Error(`cannot ${action.do} for ${subject.uid}: the pod is unknown`)
    if (action.do === 'delete-pod') return deletePod(pod)
    if (action.do === 'start-sandbox') return startSandbox(subject, pod)
    if (action.do === 'start-container') return startContainer(subject, pod, action)
    if (sandbox) await attach(pod, sandbox, memory)
  }
}
