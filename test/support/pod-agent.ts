/** A pod agent over fakes, and the questions tests ask about it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createFakeNetwork } from '../../src/agent/fake-network.ts'
import { createPodAgent, type PodAgentOptions } from '../../src/agent/pod-agent.ts'
import type { Feature } from '../../src/agent/runtime/capabilities.ts'
import { createFakeRuntime, type FakeRuntime } from '../../src/agent/runtime/fake-runtime.ts'
import type { OnDamage, RuntimeFactory } from '../../src/agent/runtime/runtime.ts'
import { createFakeNodeMounts } from '../../src/agent/volumes/fake-node-mounts.ts'
import { createClient } from '../../src/api/client.ts'
import { systemClock } from '../../src/api/clock.ts'
import { pods } from '../../src/api/resources.ts'
import type { Container, Event, Pod, PodSpec } from '../../src/api/types/index.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { silentLogger } from '../../src/host/log.ts'
import { type ClusterApi, openClusterApi } from './cluster-api.ts'
import { until } from './until.ts'

/** Options of an agent on node `node-a` whose services, waits and resolv.conf are those of tests. */
export const agentOptions = (api: ClusterApi, folder: string, runtime: RuntimeFactory): PodAgentOptions => ({
  ...{ client: createClient(api), nodeName: 'node-a', runtimes: [runtime], network: createFakeNetwork() },
  ...{
    runner: createCommandRunner(),
    log: silentLogger,
    hostIPs: ['192.0.2.1'],
    clusterDomain: 'cluster.local',
  },
  ...{
    stateDir: join(folder, 'state'),
    logDir: join(folder, 'logs'),
    volumeDir: join(folder, 'volumes'),
    csi: { folder: join(folder, 'csi-plugins'), stagingDir: join(folder, 'csi') },
    nodeMounts: createFakeNodeMounts(),
    allocatable: { cpu: '2', memory: '4Gi' },
  },
  handlerOf: async () => undefined,
  hostPorts: false,
  services: { synced: Promise.resolve(), all: () => [] },
  resolvConf: async () => ({ text: 'nameserver 10.96.0.10\n', warnings: [] }),
  backOff: { baseMs: 200, maxMs: 1_000, resetMs: 60_000 },
  retryMs: 50,
})

/** A pod for `node-a`. */
export const podFor = (
  name: string,
  main: Partial<Container> = {},
  spec: Partial<PodSpec> = {},
): Omit<Pod, 'kind' | 'apiVersion'> => ({
  metadata: { name, namespace: 'default' },
  spec: {
    ...{ nodeName: 'node-a', terminationGracePeriodSeconds: 5 },
    containers: [{ name: 'main', image: 'any', command: ['sleep', '3600'], ...main }],
    ...spec,
  },
})

/** What the API says. */
export const questions = (api: ClusterApi) => {
  const client = createClient(api)
  const get = (name: string) => api.peek<Pod>('pods', `default/${name}`)
  return {
    client,
    get,
    create: (pod: Omit<Pod, 'kind' | 'apiVersion'>): Promise<Pod> => client.create(pods, pod),
    main: (name: string) => get(name)?.status?.containerStatuses?.[0],
    isReady: (name: string): boolean =>
      get(name)?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    phase: (name: string) => get(name)?.status?.phase,
    events: (name: string): readonly string[] =>
      (api.all('events') as readonly Event[])
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ reason, message }) => `${reason}: ${message}`),
  }
}

/** An agent over a fake runtime, running until the test ends. */
export const startFakeAgent = async (
  t: Test,
  more: Partial<PodAgentOptions> = {},
  features: ReadonlySet<Feature> = new Set(),
  hasHandlers = false,
) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const api = await openClusterApi()
  const network = createFakeNetwork()
  const made: FakeRuntime[] = []
  let damage: OnDamage = () => undefined
  const options = agentOptions(api, folder, (onChange, onDamage) => {
    damage = onDamage
    const runtime = createFakeRuntime({ clock: systemClock, onChange, features, hasHandlers })
    made.push(runtime)
    return runtime
  })
  const agent = createPodAgent({ ...options, network, ...more })
  const [runtime] = made
  if (!runtime) throw new Error('the agent made no runtime')
  const stop = new AbortController()
  const running = agent.run(stop.signal)
  const end = async (): Promise<void> => {
    stop.abort()
    await running
  }
  t.teardown(async () => {
    await end()
    rmSync(folder, { recursive: true })
  })
  return { ...questions(api), api, agent, runtime, network, folder, until, damage, stop: end }
}
