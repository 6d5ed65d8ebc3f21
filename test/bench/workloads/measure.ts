/** What is measured of workloads: pods that are scheduled, Deployments that come up and are rolled, Services, and rest. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from '../../../src/api/client.ts'
import { createInformer } from '../../../src/api/informer.ts'
import { deployments, endpointSlices, pods, services } from '../../../src/api/resources.ts'
import type { Deployment } from '../../../src/api/types/index.ts'
import { sized } from '../support/size.ts'
import { type Cluster, type Cost, reached } from './cluster.ts'

const atOnce = 32

const isUnheard = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'UND_ERR_CONNECT_TIMEOUT'

/** Once more where no connection came about: a machine that is busy with others may take longer than for that. */
const heard = async (ask: () => Promise<unknown>): Promise<void> => {
  for (;;)
    try {
      await ask()
      return
    } catch (error) {
      if (!isUnheard(error)) throw error
    }
}

const each = async (count: number, once: (n: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      const n = next++
      await heard(() => once(n))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

const namespace = 'default'
const container = (version: string) => ({
  ...{ name: 'main', image: `registry.example.com/web:${version}` },
  resources: { requests: { cpu: '100m', memory: '100Mi' } },
})

/** Follows the single pods that are bound to a node: lists of them again and again would be half of what is measured. */
const withBound = async <T>(client: Client, use: (bound: { readonly size: number }) => Promise<T>): Promise<T> => {
  const stop = new AbortController()
  const bound = createInformer(client, pods, {
    ...{ namespace, labelSelector: 'bench=single', fieldSelector: 'spec.nodeName!=' },
    view: ({ metadata }) => metadata.name,
  })
  const running = bound.run(stop.signal)
  await bound.synced
  try {
    return await use(bound)
  } finally {
    stop.abort()
    await running
  }
}

/** From the first creation until the last of so many single pods is bound to a node. */
export const schedulePods = ({ client, cost }: Cluster, count: number): Promise<Cost> =>
  withBound(client, (bound) =>
    cost(async () => {
      await each(count, (n) =>
        client.create(pods, {
          metadata: { name: `single-${n}`, namespace, labels: { bench: 'single' } },
          spec: { containers: [container('1')] },
        }),
      )
      await reached(() => bound.size === count, `${count} pods to be bound`)
    }),
  )

/** From the first deletion until all of them are gone. */
export const deletePods = ({ client, cost }: Cluster, count: number): Promise<Cost> =>
  withBound(client, (bound) =>
    cost(async () => {
      await each(count, (n) => client.delete(pods, { metadata: { name: `single-${n}`, namespace } }))
      await reached(() => bound.size === 0, 'the single pods to be gone')
    }),
  )

const deployment = (name: string, replicas: number) => ({
  metadata: { name, namespace },
  spec: {
    ...{ replicas, selector: { matchLabels: { app: name } } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [container('1')] } },
  },
})

const isRolledOut = ({ metadata, spec, status }: Deployment): boolean =>
  status?.observedGeneration === metadata.generation &&
  [status?.replicas, status?.updatedReplicas, status?.readyReplicas, status?.availableReplicas].every(
    (count) => count === spec.replicas,
  )

const rolledOut = async (client: Client, names: readonly string[]): Promise<void> => {
  const waiting = new Set(names)
  const isDone = async (): Promise<boolean> => {
    for (const name of waiting) {
      if (!isRolledOut(await client.get(deployments, name, namespace))) return false
      waiting.delete(name)
    }
    return true
  }
  await reached(isDone, 'all Deployments to be rolled out')
}

/** From the creation of so many Deployments until all of their pods are available. */
export const deploy = ({ client, cost }: Cluster, names: readonly string[], replicas: number): Promise<Cost> =>
  cost(async () => {
    await each(names.length, (n) => client.create(deployments, deployment(names[n] ?? '', replicas)))
    await rolledOut(client, names)
  })

/** From the change of the image until all pods are of the new one, with 25 % more and less meanwhile. */
export const rollOut = ({ client, cost }: Cluster, name: string): Promise<Cost> =>
  cost(async () => {
    const spec = { template: { spec: { containers: [container('2')] } } }
    await client.patch(deployments, { metadata: { name, namespace } }, { spec })
    await rolledOut(client, [name])
  })

/** From the first creation of a Service for each of these until all have the addresses of their pods. */
export const expose = ({ client, cost }: Cluster, names: readonly string[], replicas: number): Promise<Cost> =>
  cost(async () => {
    await each(names.length, (n) => {
      const name = names[n] ?? ''
      const spec = { selector: { app: name }, ports: [{ port: 80 }] }
      return client.create(services, { metadata: { name, namespace }, spec })
    })
    const areIn = async (): Promise<boolean> => {
      const { items } = await client.list(endpointSlices, { namespace })
      const ready = items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready)
      return ready.length >= names.length * replicas
    }
    await reached(areIn, 'the addresses of all Services')
  })

/** While nobody asks for anything, in percent of one processor. */
export const rest = async ({ cost }: Cluster): Promise<{ readonly control: number; readonly nodes: number }> => {
  await pause(sized(5_000, 10))
  const { seconds, controlCpu, nodesCpu } = await cost(() => pause(sized(60_000, 200)))
  return { control: (controlCpu / seconds) * 100, nodes: (nodesCpu / seconds) * 100 }
}
