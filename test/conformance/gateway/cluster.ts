/** A cluster in one process: the real API and controllers, the real proxy of a node, and backends that are at hand. */
import type { Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { createAuthority, issueCertificate, type KeyPair, validFor } from '../../../src/api/certificates.ts'
import type { Client } from '../../../src/api/client.ts'
import { isNotFound } from '../../../src/api/errors.ts'
import { createInformer, type Informer } from '../../../src/api/informer.ts'
import {
  configMaps,
  endpointSlices,
  gatewayClasses,
  gateways,
  httpRoutes,
  ingressClasses,
  ingresses,
  namespaces,
  type Resource,
  referenceGrants,
  secrets,
  services,
} from '../../../src/api/resources.ts'
import { serviceOfSlice } from '../../../src/api/slices.ts'
import type { KubeObject, Service } from '../../../src/api/types/index.ts'
import { bootstrapCluster } from '../../../src/control/bootstrap/bootstrap.ts'
import { createCommandRunner } from '../../../src/host/command.ts'
import { createIproute, line } from '../../../src/host/iproute.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { detectBackend } from '../../../src/host/netfilter/backend.ts'
import { createNetfilter } from '../../../src/host/netfilter/netfilter.ts'
import { hostCidr } from '../../../src/ip/cidr.ts'
import { createConfigMapData, createSecretData } from '../../../src/proxy/ingress/data/named-data.ts'
import { createIngress } from '../../../src/proxy/ingress/ingress.ts'
import { createOwnAddresses } from '../../../src/proxy/ingress/own-addresses.ts'
import { startControlPlane } from '../../support/control-plane.ts'
import { type Echo, startEcho } from './echo.ts'

export const gatewayPool = '192.0.2.0/24'

/** For tests of `spec.addresses`. */
export const usableAddress = '192.0.2.77'
export const unusableAddress = '198.51.100.1'

/** Where backends are: endpoints may not be of loopback. */
export const backendAddress = '10.200.0.1'

export interface Cluster {
  readonly client: Client
  /** Creates what a manifest holds; resolves with what takes it away again. */
  apply(manifest: string): Promise<() => Promise<void>>
  /** By `namespace/name` of the Deployment. */
  readonly backends: ReadonlyMap<string, Echo>
}

const kinds: Readonly<Record<string, Resource<KubeObject>>> = Object.fromEntries(
  [
    namespaces,
    gatewayClasses,
    gateways,
    httpRoutes,
    referenceGrants,
    services,
    endpointSlices,
    secrets,
    configMaps,
  ].map((resource) => [resource.kind, resource as unknown as Resource<KubeObject>]),
)

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec?: { readonly selector?: Readonly<Record<string, unknown>> }
}

const bootstrap = {
  ...{ servers: [{ address: '172.30.0.1', port: 6443 }], apiClusterIP: '10.96.0.1', dnsClusterIP: '10.96.0.10' },
  serviceCIDRs: ['10.96.0.0/16'],
}

/** Which port of a backend a Service means. */
const portOf = (echo: Echo, { targetPort, appProtocol }: NonNullable<Service['spec']['ports']>[number]): number =>
  targetPort === 3001 || appProtocol === 'kubernetes.io/h2c' ? echo.h2c : echo.http

export const startCluster = async (t: Test): Promise<Cluster> => {
  const { client } = await startControlPlane(t, { loadBalancerCIDR: gatewayPool })
  await bootstrapCluster(client, bootstrap)
  const backends = new Map<string, Echo>()

  const runner = createCommandRunner()
  const iproute = createIproute(runner)
  await iproute.ip([line`link set lo up`, line`address replace ${hostCidr(backendAddress)} dev lo`])
  const { backend } = await detectBackend(runner)
  const netfilters = [createNetfilter(runner, 'IPv4', backend)]
  const running: Promise<unknown>[] = []
  const stop = new AbortController()
  const watch = <T extends KubeObject>(resource: Resource<T>): Informer<T> => {
    const informer = createInformer(client, resource)
    running.push(informer.run(stop.signal))
    return informer
  }
  const slices = createInformer(client, endpointSlices, { indexes: { service: serviceOfSlice } })
  running.push(slices.run(stop.signal))
  const fail = (error: unknown): void => t.comment(String(error))
  const proxy = createIngress({
    ...{ ingresses: watch(ingresses), classes: watch(ingressClasses), services: watch(services), slices },
    ...{ secrets: createSecretData(client, fail), configMaps: createConfigMapData(client, fail), log: silentLogger },
    gateway: {
      classes: watch(gatewayClasses),
      gateways: watch(gateways),
      routes: watch(httpRoutes),
      grants: watch(referenceGrants),
      namespaces: watch(namespaces),
    },
    ownAddresses: createOwnAddresses({ iproute, netfilters, log: silentLogger }),
    settings: { address: '127.0.0.1', httpPort: 0, gatewayPool },
    timeouts: { drain: 200 },
  })
  running.push(proxy.run(stop.signal))
  t.teardown(async () => {
    stop.abort()
    await Promise.all(running)
  })

  const serve = async (service: Service): Promise<void> => {
    const { name, namespace = '' } = service.metadata
    const app = service.spec.selector?.['app']
    const echo = backends.get(`${namespace}/${app}`)
    const ports = service.spec.ports ?? []
    if (!echo) return
    await client.create(endpointSlices, {
      metadata: { name: `${name}-at-hand`, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [backendAddress], conditions: { ready: true } }],
      ports: ports.map((port) => ({
        ...(port.name === undefined ? {} : { name: port.name }),
        ...{ port: portOf(echo, port), protocol: 'TCP' as const },
      })),
    })
  }

  const create = async (object: Manifest): Promise<() => Promise<void>> => {
    const { name, namespace = '' } = object.metadata
    if (object.kind === 'Deployment' && !backends.has(`${namespace}/${name}`))
      backends.set(`${namespace}/${name}`, await startEcho(t, `${name}-1`, namespace))
    const known = kinds[object.kind]
    if (!known) return async () => {}
    // As clients of that version would.
    const resource = { ...known, version: object.apiVersion.split('/').at(-1) ?? known.version }
    const made = await client.create(resource, object as unknown as KubeObject)
    if (object.kind === 'Service') await serve(made as Service)
    return async () => {
      await client.delete(resource, made).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
      if (object.kind === 'Service')
        await client.delete(endpointSlices, { metadata: { name: `${name}-at-hand`, namespace } }).catch(() => {})
    }
  }

  return {
    client,
    backends,
    apply: async (manifest) => {
      const text = manifest
        .replaceAll('PLACEHOLDER_UNUSABLE_ADDRS', unusableAddress)
        .replaceAll('PLACEHOLDER_USABLE_ADDRS', usableAddress)
        .replaceAll('{GATEWAY_CLASS_NAME}', 'podway')
        .replaceAll('{GATEWAY_CONTROLLER_NAME}', 'podway.dev/gateway')
      const objects = parseAllDocuments(text).flatMap((document) => (document.toJS() as Manifest | null) ?? [])
      // Backends before the Services that lead to them.
      const ordered = [...objects].sort(
        (a, b) =>
          Number(b.kind === 'Namespace') - Number(a.kind === 'Namespace') ||
          Number(b.kind === 'Deployment') - Number(a.kind === 'Deployment'),
      )
      const made: (() => Promise<void>)[] = []
      for (const object of ordered) made.push(await create(object))
      return async () => {
        for (const undo of made.reverse()) await undo()
      }
    },
  }
}

const infra = 'gateway-conformance-infra'
const validity = validFor(2, Date.now())

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** The certificates that the suite makes itself. */
export const createCertificates = async (client: Client): Promise<KeyPair> => {
  const authority = await createAuthority('suite', validity)
  const secret = async (name: string, { cert, key }: KeyPair, namespace = infra): Promise<void> => {
    await client.create(secrets, {
      metadata: { name, namespace },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': base64(cert), 'tls.key': base64(key) },
    })
  }
  const dnsNames = ['*', '*.org', '*.wildcard.org']
  const server = await issueCertificate(authority, { commonName: 'server', dnsNames }, validity, 'server')
  await secret('tls-validity-checks-certificate', server)
  await secret('certificate', server, 'gateway-conformance-web-backend')
  for (const [name, client1] of [
    ['tls-validity-checks-ca-certificate', 'tls-validity-checks-client-certificate'],
    ['tls-validity-checks-per-port-ca-certificate', 'tls-validity-checks-per-port-client-certificate'],
  ] as const) {
    const ca = await createAuthority(name, validity)
    await client.create(configMaps, { metadata: { name, namespace: infra }, data: { 'ca.crt': ca.cert } })
    await secret(
      client1,
      await issueCertificate(ca, { commonName: 'client', dnsNames: ['client'] }, validity, 'client'),
    )
  }
  return authority
}
