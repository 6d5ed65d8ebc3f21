/** Keeps the pods of all simulated nodes: one queue, a key for each pod; what to say of it is `lookAtPod`'s. */
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { failureText } from '../../api/failure-text.ts'
import type { CopyReader } from '../../api/local-copy.ts'
import { isFinished } from '../../api/pods.ts'
import { pods } from '../../api/resources.ts'
import type { Node, Pod } from '../../api/types/index.ts'
import { createWorkQueue, type Outcome } from '../../api/work-queue.ts'
import type { Logger } from '../../host/log.ts'
import { createStatusWriter } from '../pods/status-writer.ts'
import { createSimulatedAddresses } from './pod-addresses.ts'
import { lookAtPod, type PodDelays, type PodPlace } from './simulated-pod.ts'

export interface PodsOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  /** All pods that are bound to some node, by `node`. */
  readonly copies: CopyReader<Pod>
  readonly nodeCopies: CopyReader<Node>
  readonly isOurs: (nodeName: string) => boolean
  readonly delays: PodDelays
  /** Writes at a time. */
  readonly parallel: number
}

export interface SimulatedPods {
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** How often to look whether the node of a pod has addresses for it. */
const placeLookMs = 1_000

const uidOf = ({ metadata }: Pod): string => metadata.uid ?? ''
const nodeOf = ({ spec }: Pod): string => spec.nodeName ?? ''
const addressesOf = ({ status }: Pod): readonly string[] => status?.podIPs?.map(({ ip }) => ip) ?? []
const ownerOf = (pod: Pod) => ({ uid: uidOf(pod), addresses: addressesOf(pod) })

export const createSimulatedPods = (options: PodsOptions): SimulatedPods => {
  const { client, clock, log, copies, nodeCopies, isOurs, delays, parallel } = options
  const writer = createStatusWriter(client)
  const addresses = createSimulatedAddresses()
  const heardAt = new Map<string, number>()

  /** What a pod has keeps, and who ends before it has any gets none; undefined while its node has no addresses for pods. */
  const podAddresses = (pod: Pod, node: Node, hostIPs: readonly string[]): readonly string[] | undefined => {
    if (pod.spec.hostNetwork) return hostIPs
    const known = addressesOf(pod)
    if (known.length > 0 || isFinished(pod) || pod.metadata.deletionTimestamp !== undefined) return known
    const podCIDRs = node.spec?.podCIDRs ?? []
    if (podCIDRs.length === 0) return undefined
    const own = (): ReturnType<typeof ownerOf>[] =>
      copies
        .by('node', node.metadata.name)
        .filter((each) => !each.spec.hostNetwork && !isFinished(each))
        .map(ownerOf)
    return addresses.assign({ node: node.metadata.name, podCIDRs, known: own }, uidOf(pod))
  }

  const placeOf = (pod: Pod): PodPlace | undefined => {
    const node = nodeCopies.get(nodeOf(pod))
    const hostIPs = (node?.status?.addresses ?? [])
      .filter(({ type }) => type === 'InternalIP')
      .map(({ address }) => address)
    const podIPs = node && podAddresses(pod, node, hostIPs)
    return podIPs && { since: heardAt.get(uidOf(pod)) ?? clock.now(), addresses: podIPs, hostIPs }
  }

  const remove = async (pod: Pod): Promise<void> => {
    try {
      await client.delete(pods, pod, { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }

  const sync = async (pod: Pod): Promise<Outcome> => {
    const place = placeOf(pod)
    if (!place) return { againInMs: placeLookMs }
    const look = lookAtPod(pod, place, delays, clock.now())
    const isThere = await writer.write(pod, (newest) => lookAtPod(newest, place, delays, clock.now()).status)
    if (isThere && look.isGone) await remove(pod)
    return look.againAt === undefined ? 'done' : { againInMs: look.againAt - clock.now() }
  }

  const queue = createWorkQueue(
    async (key) => {
      const pod = copies.get(key)
      return pod && isOurs(nodeOf(pod)) ? sync(pod) : 'done'
    },
    {
      ...{ clock, concurrency: parallel },
      onError: (pod, error, retryInMs) =>
        log.warn({ pod, retryInMs }, `cannot simulate the pod; trying again: ${failureText(error)}`),
    },
  )

  const forget = (pod: Pod): void => {
    addresses.release(nodeOf(pod), uidOf(pod))
    heardAt.delete(uidOf(pod))
    writer.forget(uidOf(pod))
  }

  return {
    run: async (signal) => {
      copies.onChange((key, pod, previous) => {
        if (previous && uidOf(previous) !== (pod && uidOf(pod))) forget(previous)
        if (!pod || !isOurs(nodeOf(pod))) return
        // A Job of thousands would have all addresses of a node.
        if (isFinished(pod)) addresses.release(nodeOf(pod), uidOf(pod))
        if (!heardAt.has(uidOf(pod))) heardAt.set(uidOf(pod), clock.now())
        queue.add(key)
      }, signal)
      await queue.run(signal)
    },
  }
}

/** The index of the pods' copy by node, which `createSimulatedPods` asks for. */
export const podIndexes = { node: (pod: Pod): readonly string[] => [nodeOf(pod)] }
