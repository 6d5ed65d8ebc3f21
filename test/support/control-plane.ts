/** The control plane in one process: the real API over memory, and all controllers; nodes and their agents are played. */
import type { Test } from 'tap'
import { createAuthority, type KeyPair, validFor } from '../../src/api/certificates.ts'
import { type Client, createClient } from '../../src/api/client.ts'
import { type Clock, formatMicroTime, formatTime, sleep, systemClock } from '../../src/api/clock.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../src/api/errors.ts'
import { createInformer } from '../../src/api/informer.ts'
import { leases, namespaces, nodes, pods } from '../../src/api/resources.ts'
import type { Method } from '../../src/api/transport.ts'
import type { Node, Pod } from '../../src/api/types/index.ts'
import type { User } from '../../src/control/auth/user.ts'
import { openControlPlane } from '../../src/control/control-plane.ts'
import { createApiServiceController } from '../../src/control/controllers/api-services.ts'
import { defaultAutoscalerSettings } from '../../src/control/controllers/autoscaler-settings.ts'
import type { ControllerSettings, CreateController } from '../../src/control/controllers/controller.ts'
import type { ComponentName } from '../../src/control/controllers/names.ts'
import { runControllers } from '../../src/control/run-controllers.ts'
import type { SchedulerSettings } from '../../src/control/scheduler/config/settings.ts'
import type { Answer, Handler } from '../../src/control/server/call.ts'
import { createLocalTransport } from '../../src/control/server/local-transport.ts'
import { createMemoryBackend } from '../../src/control/storage/memory-backend.ts'
import { silentLogger } from '../../src/host/log.ts'
import {
  admin,
  callOf,
  noAgents,
  type RequestOptions,
  requesting,
  type TestApi,
  testAdmission,
  testNetworks,
  testTokens,
} from './api-server.ts'

export interface ControlPlane extends Pick<TestApi, 'request' | 'watch'> {
  readonly client: Client
  readonly handle: Handler
  /** The answer itself, for one that is no object. */
  answer(method: Method, path: string, options?: RequestOptions): Promise<Answer>
  /** An endpoint of a Service at an address that no API would take for one. */
  commitSlice(service: string, address: string, port: number): Promise<void>
  /** The API as somebody else sees it. */
  as(user: User): Client
  /** A ready node with room for `pods` pods. */
  addNode(name: string, allocatable?: Readonly<Record<string, string>>): Promise<Node>
  /** From now on these nodes send heartbeats, and no others. */
  setBeating(names: readonly string[]): void
  /** The pods of the namespace `default`. */
  podList(labelSelector?: string): Promise<readonly Pod[]>
}

const settings: Omit<ControllerSettings, 'secretTokens'> = {
  podCIDRs: ['10.244.0.0/16'],
  nodePrefixLengths: { IPv4: 24, IPv6: 64 },
  nodeMonitorGraceSeconds: 10,
  loadBalancerCIDR: undefined,
  autoscaler: defaultAutoscalerSettings,
  certificates: {
    authority: await createAuthority('test', validFor(1, Date.now())),
    signingSeconds: 3600,
    networks: testNetworks,
    ...{ clusterDomain: 'cluster.local', controlNames: ['kubernetes', 'kubernetes.default', 'api.lab'] },
  },
}

const room = { cpu: '4', memory: '8Gi', 'ephemeral-storage': '10Gi', pods: '110' }

const ignoreRaces = (error: unknown): void => {
  if (!isNotFound(error) && !isConflict(error)) throw error
}

/** What an agent would report of a pod. Pods labelled `broken` never become ready. */
const runningStatus = (pod: Pod, address: string) => {
  const status = pod.metadata.labels?.['broken'] === undefined ? 'True' : 'False'
  const scheduled = (pod.status?.conditions ?? []).filter(({ type }) => type === 'PodScheduled')
  return {
    ...{ phase: 'Running', podIP: address, podIPs: [{ ip: address }], startTime: formatTime(Date.now()) },
    conditions: [...scheduled, { type: 'Ready', status, lastTransitionTime: formatTime(Date.now()) }],
  }
}

/** Starts everything; stops with the test. The namespaces `default` and `kube-node-lease` exist. */
export const startControlPlane = async (
  t: Test,
  {
    evictionSeconds = 60,
    more = [],
    disabled = [],
    frontProxy,
    endOf = () => undefined,
    clock = systemClock,
    scheduler,
    ...changed
  }: Partial<ControllerSettings> & {
    evictionSeconds?: number
    more?: readonly CreateController[]
    /** What does not run. */
    disabled?: readonly ComponentName[]
    /** What it shows to API servers behind it. */
    frontProxy?: () => KeyPair
    /** How a pod ends as soon as it has begun. */
    endOf?: (pod: Pod) => 'Succeeded' | 'Failed' | undefined
    scheduler?: SchedulerSettings
    /** The controllers' time. */
    clock?: Clock
  } = {},
): Promise<ControlPlane> => {
  const plane = await openControlPlane({
    ...(frontProxy ? { frontProxy } : {}),
    ...{ backend: createMemoryBackend(), agents: noAgents, tokens: testTokens },
    admission: { ...testAdmission, podEvictionSeconds: evictionSeconds },
  })
  const as = (user: User): Client => createClient(createLocalTransport(plane.handle, user))
  const client = as(admin)
  for (const name of ['default', 'kube-node-lease']) await client.create(namespaces, { metadata: { name } })

  const stop = new AbortController()
  const beating = new Set<string>()
  let addresses = 0

  const beatOf = async (name: string): Promise<unknown> => {
    const spec = { renewTime: formatMicroTime(Date.now()) }
    return (
      client
        .patch(leases, { metadata: { name, namespace: 'kube-node-lease' } }, { spec })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error
          return client.create(leases, { metadata: { name, namespace: 'kube-node-lease' }, spec })
        })
        // Beats may overtake each other on a busy machine: the other one has made it.
        .catch((error: unknown) => {
          if (!isAlreadyExists(error)) throw error
        })
    )
  }
  /** All at once, so that those who fall silent together do so in one moment. */
  const beat = async (): Promise<void> => {
    await Promise.all([...beating].map(beatOf))
  }
  const keepBeating = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await beat()
      await sleep(100, stop.signal)
    }
  }

  const podCopies = createInformer(client, pods)
  const play = async (pod: Pod): Promise<void> => {
    if (!pod.spec.nodeName || !beating.has(pod.spec.nodeName)) return
    if (pod.metadata.deletionTimestamp !== undefined)
      await client.delete(pods, pod, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid ?? '' } })
    else if (pod.status?.phase === 'Pending') {
      const n = ++addresses
      const phase = endOf(pod)
      const status = phase ? { phase } : runningStatus(pod, `10.244.${n >> 8}.${n & 255}`)
      await client.patch(pods, pod, { status }, 'status')
    }
  }
  const playing = new Set<Promise<void>>()
  podCopies.onChange((_key, pod) => {
    if (!pod) return
    const played = play(pod)
      .catch(ignoreRaces)
      .finally(() => playing.delete(played))
    playing.add(played)
  })

  const running = Promise.all([
    keepBeating(),
    podCopies.run(stop.signal),
    runControllers(
      {
        client: plane.client,
        registry: plane.registry,
        findRemote: plane.aggregation.versions,
        clock,
        log: silentLogger,
        ...{ loops: plane.loops, disabled, scheduler },
        settings: { ...settings, secretTokens: plane.tokens.ofSecrets, ...changed },
        more: [createApiServiceController(plane.aggregation.check), ...more],
      },
      stop.signal,
    ),
  ])
  t.teardown(async () => {
    stop.abort()
    await running
    await Promise.all(playing)
    await plane.close()
  })

  return {
    ...requesting(plane.handle),
    handle: plane.handle,
    answer: async (method, path, options = {}) => plane.handle(callOf(method, path, options, stop.signal)),
    commitSlice: async (service, address, port) => {
      const slice = {
        ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' as const },
        metadata: {
          ...{ name: `${service}-made`, namespace: 'default' },
          labels: { 'kubernetes.io/service-name': service },
        },
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports: [{ name: '', port, protocol: 'TCP' as const }],
      }
      const key = { bucket: 'endpointslices.discovery.k8s.io', name: `default/${service}-made` }
      await plane.store.commit({ key, expected: 0, object: slice })
    },
    client,
    as,
    addNode: async (name, allocatable = {}) => {
      beating.add(name)
      await beat()
      const ready = { type: 'Ready', status: 'True', lastTransitionTime: formatTime(Date.now()) } as const
      const addresses = [{ type: 'InternalIP' as const, address: `172.30.0.${10 + beating.size}` }]
      // Ready from its first moment on, it is never tainted.
      return client.create(nodes, {
        metadata: { name, labels: { 'kubernetes.io/hostname': name } },
        status: { allocatable: { ...room, ...allocatable }, conditions: [ready], addresses },
      })
    },
    setBeating: (names) => {
      beating.clear()
      for (const name of names) beating.add(name)
    },
    podList: async (labelSelector) => {
      const selection = labelSelector === undefined ? {} : { labelSelector }
      return (await client.list(pods, { namespace: 'default', ...selection })).items
    },
  }
}
