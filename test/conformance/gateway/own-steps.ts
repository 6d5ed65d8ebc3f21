/** Steps in our own code, of tests whose sources need more of Go than is read: they change objects, or count. */
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import type { Client } from '../../../src/api/client.ts'
import { endpointSlices, gatewayClasses, gateways, httpRoutes, type Resource } from '../../../src/api/resources.ts'
import type { Condition, Gateway, KubeObject } from '../../../src/api/types/index.ts'
import { backendAddress, type Cluster, unusableAddress, usableAddress } from './cluster.ts'
import { textAt } from './compare.ts'
import { converged, settled } from './packages.ts'
import { type Answered, roundTrip } from './round-trip.ts'

const namespace = 'gateway-conformance-infra'

const accepted = (conditions: readonly Condition[] | undefined, generation: number | undefined): readonly string[] => {
  const found = conditions?.find(({ type }) => type === 'Accepted')
  return found?.status === 'True' && found.observedGeneration === generation
    ? []
    : [`Accepted=${found?.status} of ${found?.observedGeneration}, not ${generation}`]
}

/** What a Gateway's conditions say: `Accepted=True/Accepted`. */
const says = async (client: Client, name: string, type: string): Promise<string> => {
  const { metadata, status } = await client.get(gateways, name, namespace)
  const found = status?.conditions?.find((each) => each.type === type)
  return found?.observedGeneration === metadata.generation ? `${found?.status}/${found?.reason}` : 'not looked at yet'
}

const becomes = (client: Client, name: string, type: string, wanted: string): Promise<void> =>
  settled(`${type} of ${name}`, async () => {
    const found = await says(client, name, type)
    return found === wanted ? [] : [found]
  })

const patch = <T extends KubeObject>(client: Client, resource: Resource<T>, object: T, spec: object): Promise<T> =>
  client.patch(resource, object, { spec })

const listenersAre = (client: Client, name: string, wanted: Readonly<Record<string, number>>): Promise<void> =>
  settled(`listeners of ${name}`, async () => {
    const { metadata, status } = await client.get(gateways, name, namespace)
    const given = status?.listeners ?? []
    const attached = Object.fromEntries(given.map((each) => [each.name, each.attachedRoutes]))
    return [
      ...(JSON.stringify(attached) === JSON.stringify(wanted) ? [] : [JSON.stringify(attached)]),
      ...given.flatMap(({ conditions }) => accepted(conditions, metadata.generation)),
    ]
  })

const addressOf = async ({ client }: Cluster, name = 'same-namespace'): Promise<string> => {
  let found = ''
  await settled(`an address of ${name}`, async () => {
    found = (await client.get(gateways, name, namespace)).status?.addresses?.[0]?.value ?? ''
    return found === '' ? ['none yet'] : []
  })
  return found
}

const ask = (address: string, path: string): Promise<Answered> =>
  roundTrip({
    ...{ address, scheme: 'http', path, Method: 'GET', Host: '', Protocol: '', Body: '' },
    Headers: { 'X-Echo-Set-Header': '' },
  })

const answers = (address: string, path: string): Promise<void> =>
  converged(`${address}${path}`, async () => {
    const { status } = await ask(address, path)
    return status === 200 ? [] : [`status ${status}`]
  })

const near = (t: Test, share: number, wanted: number, tolerance: number, what: string): void => {
  t.ok(Math.abs(share - wanted) <= tolerance, `${what}: ${share}, about ${wanted}`)
}

const httpListener = {
  name: 'http',
  port: 80,
  protocol: 'HTTP',
  allowedRoutes: { namespaces: { from: 'All' } },
} as const

export const ownSteps: Readonly<Record<string, (t: Test, cluster: Cluster) => Promise<void>>> = {
  GatewayModifyListeners: async (t, { client }) => {
    const change = async (
      name: string,
      listeners: (made: Gateway) => readonly unknown[],
      wanted: Record<string, number>,
    ) => {
      const made = await client.get(gateways, name, namespace)
      await patch(client, gateways, made, { listeners: listeners(made) })
      await listenersAre(client, name, wanted)
      t.not((await client.get(gateways, name, namespace)).metadata.generation, made.metadata.generation, name)
    }
    const more = { ...httpListener, hostname: 'data.test.com' }
    await change('gateway-add-listener', ({ spec }) => [...(spec?.listeners ?? []), more], { https: 1, http: 1 })
    const only = ({ spec }: Gateway) => (spec?.listeners ?? []).filter(({ name }) => name === 'http')
    await change('gateway-remove-listener', only, { http: 1 })
  },
  GatewayObservedGenerationBump: async (t, { client }) => {
    const name = 'gateway-observed-generation-bump'
    await becomes(client, name, 'Accepted', 'True/Accepted')
    const made = await client.get(gateways, name, namespace)
    const listeners = [...(made.spec?.listeners ?? []), { ...httpListener, name: 'alternate', hostname: 'foo.com' }]
    await patch(client, gateways, made, { listeners })
    await becomes(client, name, 'Accepted', 'True/Accepted')
    t.not((await client.get(gateways, name, namespace)).metadata.generation, made.metadata.generation)
  },
  GatewayClassObservedGenerationBump: async (t, { client }) => {
    const name = 'gatewayclass-observed-generation-bump'
    const look = (): Promise<void> =>
      settled(name, async () => {
        const { metadata, status } = await client.get(gatewayClasses, name)
        return accepted(status?.conditions, metadata.generation)
      })
    await look()
    const made = await client.get(gatewayClasses, name)
    await patch(client, gatewayClasses, made, { description: 'new' })
    await look()
    t.not((await client.get(gatewayClasses, name)).metadata.generation, made.metadata.generation)
  },
  HTTPRouteObservedGenerationBump: async (t, { client }) => {
    const name = 'observed-generation-bump'
    const look = (): Promise<void> =>
      settled(name, async () => {
        const { metadata, status } = await client.get(httpRoutes, name, namespace)
        return accepted(status?.parents[0]?.conditions, metadata.generation)
      })
    await look()
    const made = await client.get(httpRoutes, name, namespace)
    await patch(client, httpRoutes, made, { rules: [{ backendRefs: [{ name: 'infra-backend-v2', port: 8080 }] }] })
    await look()
    t.not((await client.get(httpRoutes, name, namespace)).metadata.generation, made.metadata.generation)
  },
  GatewayOptionalAddressValue: async (t, cluster) => {
    const name = 'gateway-without-address-value'
    await becomes(cluster.client, name, 'Accepted', 'True/Accepted')
    t.ok(await addressOf(cluster, name))
  },
  GatewayStaticAddresses: async (t, { client }) => {
    const name = 'gateway-static-addresses'
    await becomes(client, name, 'Accepted', 'False/UnsupportedAddress')
    const made = await client.get(gateways, name, namespace)
    const wished = (made.spec?.addresses ?? []).slice(1)
    t.same(
      wished.map(({ value }) => value),
      [unusableAddress, usableAddress],
    )
    await patch(client, gateways, made, { addresses: wished })
    await becomes(client, name, 'Accepted', 'True/Accepted')
    await becomes(client, name, 'Programmed', 'False/AddressNotUsable')
    await patch(client, gateways, made, { addresses: wished.slice(1) })
    await becomes(client, name, 'Accepted', 'True/Accepted')
    await becomes(client, name, 'Programmed', 'True/Programmed')
    await listenersAre(client, name, { http: 0 })
    const { status } = await client.get(gateways, name, namespace)
    t.same(status?.addresses, [{ type: 'IPAddress', value: usableAddress }])
  },
  HTTPRouteServiceTypes: async (t, cluster) => {
    const echo = cluster.backends.get(`${namespace}/infra-backend-v1`)
    for (const name of ['manual-endpointslices', 'headless-manual-endpointslices']) {
      const made = await cluster.client.get(endpointSlices, `${name}-ip4`, namespace)
      await cluster.client.patch(endpointSlices, made, {
        endpoints: [{ addresses: [backendAddress], conditions: { ready: true } }],
        ports: [{ name: 'first-port', port: echo?.http ?? 0, protocol: 'TCP' }],
      })
    }
    const address = await addressOf(cluster)
    for (const path of ['manual-endpointslices', 'headless-manual-endpointslices', 'headless']) {
      await answers(address, `/${path}`)
      t.match(textAt((await ask(address, `/${path}`)).request, 'pod'), /^infra-backend-v1/, path)
    }
  },
  HTTPRouteWeight: async (t, cluster) => {
    const address = await addressOf(cluster)
    await answers(address, '/')
    const counts = new Map<string, number>()
    const total = 500
    for (let at = 0; at < total; at++) {
      const pod = textAt((await ask(address, '/')).request, 'pod')
      counts.set(pod, (counts.get(pod) ?? 0) + 1)
    }
    near(t, (counts.get('infra-backend-v1-1') ?? 0) / total, 0.7, 0.08, 'the first')
    near(t, (counts.get('infra-backend-v2-1') ?? 0) / total, 0.3, 0.08, 'the second')
    t.equal(counts.get('infra-backend-v3-1'), undefined, 'without weight')
  },
  HTTPRouteRequestPercentageMirror: async (t, cluster) => {
    const address = await addressOf(cluster)
    const echo = cluster.backends.get(`${namespace}/infra-backend-v2`)
    const total = 500
    for (const [path, percent] of [
      ['/percent-mirror', 20],
      ['/percent-mirror-fraction', 50],
      ['/percent-mirror-and-modify-headers', 35],
    ] as const) {
      await answers(address, path)
      const id = `${path}?id=${percent}`
      for (let at = 0; at < total; at++) await ask(address, id)
      const copies = (): number => echo?.asked.filter((each) => each === id).length ?? 0
      await settled(`copies of ${path}`, async () =>
        Math.abs(copies() / total - percent / 100) < 0.08 ? [] : [`${copies()} of ${total}`],
      )
      near(t, copies() / total, percent / 100, 0.08, path)
    }
  },
  HTTPRouteBackendProtocolWebSocket: async (t, cluster) => {
    const address = await addressOf(cluster)
    const echoed = (data: string | Buffer): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://${address}/ws`)
        socket.on('open', () => socket.send(data))
        socket.on('error', reject)
        socket.on('message', (found) => {
          socket.close()
          resolve(String(found))
        })
      })
    await converged('a WebSocket', async () =>
      (await echoed('Websocket Support!')) === 'Websocket Support!' ? [] : ['no'],
    )
    t.equal(await echoed(Buffer.from([1, 2, 3, 4, 5, 6, 7])), '\u0001\u0002\u0003\u0004\u0005\u0006\u0007')
  },
}
