/** The control plane as a whole: store, API, controllers, scheduler, in one process. */

import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { certificateHash } from '../api/certificates.ts'
import { createClient } from '../api/client.ts'
import { systemClock } from '../api/clock.ts'
import { formatJoinToken } from '../api/join-token.ts'
import { renderKubeconfig } from '../api/kubeconfig.ts'
import { readOrSetAside } from '../host/durable-file.ts'
import { writeFileAtomic } from '../host/files.ts'
import type { Logger } from '../host/log.ts'
import { addressAt, type Family } from '../ipam/cidr.ts'
import { defaultIngressClass } from './admission/default-ingress-class.ts'
import { defaultTolerationSeconds } from './admission/default-toleration-seconds.ts'
import { namespaceLifecycle } from './admission/namespace-lifecycle.ts'
import { nodeRestriction } from './admission/node-restriction.ts'
import { serviceAllocation } from './admission/service-allocation.ts'
import { createAuthorizer } from './auth/authorizers.ts'
import { createNodeGraph } from './auth/node-graph.ts'
import { openPki, type Pki } from './auth/pki.ts'
import { controlUser, joinersGroup, mastersGroup } from './auth/user.ts'
import { bootstrapCluster } from './bootstrap.ts'
import { createBootstrapController } from './controllers/bootstrap-objects.ts'
import { runControllers } from './controllers/run.ts'
import { createObjects } from './objects/objects.ts'
import { createRegistry } from './registry/registry.ts'
import { createAgentConnection } from './server/agent-connection.ts'
import { createApiHandler } from './server/api-handler.ts'
import { createApiServer } from './server/https.ts'
import { joinHandler } from './server/join.ts'
import { createLocalTransport } from './server/local-transport.ts'
import { podLog } from './server/pod-log.ts'
import { namespaceFinalize, podBinding } from './server/subresources.ts'
import { resumeAt } from './store/journal.ts'
import { createStore } from './store/journaled-store.ts'
import { openSqliteJournal } from './store/sqlite-journal.ts'
import { podwayVersion } from './version.ts'

export interface ControlOptions {
  /** Everything durable is below this folder. */
  readonly dataDir: string
  /** The address and port that the API listens on; other machines reach it there. */
  readonly bindAddress: string
  readonly port: number
  /** Further names and addresses that the server's certificate is for. */
  readonly names: readonly string[]
  /** One for each IP family; the first is the cluster's main one. */
  readonly serviceCIDRs: readonly string[]
  readonly podCIDRs: readonly string[]
  /** Each node gets a part of the pod CIDR of this prefix length. */
  readonly nodePrefixLengths: Readonly<Record<Family, number>>
  /** Where Services of type LoadBalancer get addresses; those of the nodes when missing. */
  readonly loadBalancerCIDR: string | undefined
  readonly nodePorts: { readonly from: number; readonly to: number }
  readonly clusterDns: string
  readonly clusterDomain: string
  /** The node on this machine, which may have the API's own address. */
  readonly localNode: string | undefined
  /** ConfigMaps (`namespace/name`) that the options of agents name. */
  readonly configMapsOfNodes: readonly string[]
  readonly nodeGraceSeconds: number
  /** Pods of a node that is not ready for so long are given up, unless they say otherwise themselves. */
  readonly podEvictionSeconds: number
  readonly log: Logger
}

/** The files that others read. */
export const controlFiles = (dataDir: string) => ({
  store: join(dataDir, 'store.db'),
  pki: join(dataDir, 'pki'),
  token: join(dataDir, 'join-token'),
  secret: join(dataDir, 'join-secret'),
  kubeconfig: join(dataDir, 'admin.kubeconfig'),
})

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789'
const newSuffix = (): string =>
  Array.from({ length: 5 }, () => suffixAlphabet[randomInt(suffixAlphabet.length)]).join('')

const isAddress = (name: string): boolean => name.includes(':') || /^[\d.]+$/.test(name)

/** Whether a store is there, in whatever state. */
const isFounded = (store: string): boolean => lstatSync(store, { throwIfNoEntry: false }) !== undefined

const openCertificates = (options: ControlOptions, apiClusterIP: string): Promise<Pki> => {
  const { bindAddress, names, clusterDomain, dataDir, log } = options
  const all = [...new Set([bindAddress, ...names])]
  const services = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${clusterDomain}`,
  ]
  return openPki({
    folder: controlFiles(dataDir).pki,
    server: {
      commonName: 'podway-api',
      dnsNames: [...services, ...all.filter((name) => !isAddress(name))],
      addresses: [...all.filter(isAddress), apiClusterIP],
    },
    client: { commonName: controlUser.name, organizations: [mastersGroup] },
    admin: { commonName: 'podway-admin', organizations: [mastersGroup] },
    now: Date.now(),
    isFounded: isFounded(controlFiles(dataDir).store),
    onDamage: (message) => log.warn(message),
  })
}

const parseSecret = (text: string): string => {
  const secret = text.trim()
  if (!/^[0-9a-f]{32}$/.test(secret)) throw new Error('it does not hold 32 hex digits')
  return secret
}

/** Nodes that have joined do not need it any longer: a new one costs no more than to tell it to the next. */
export const joinSecret = async (file: string, log: Logger): Promise<string> => {
  const known = await readOrSetAside(file, parseSecret, (message) =>
    log.warn(`${message}; join tokens that were handed out before are void: print the new one with "podway token"`),
  )
  if (known !== undefined) return known
  const made = randomBytes(16).toString('hex')
  await writeFileAtomic(file, made)
  return made
}

/** Runs until `signal` aborts. Resolves early only by rejecting, when it cannot start. */
export const runControl = async (options: ControlOptions, signal: AbortSignal): Promise<void> => {
  const { dataDir, bindAddress, log, clusterDns } = options
  const files = controlFiles(dataDir)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const apiClusterIP = addressAt(options.serviceCIDRs[0] ?? '', 1)
  const pki = await openCertificates(options, apiClusterIP)
  const secret = await joinSecret(files.secret, log)
  if (!isFounded(files.store)) log.info({ file: files.store }, 'beginning with an empty store')
  const journal = openSqliteJournal(files.store, (message) => log.warn(message))
  const store = createStore(resumeAt(journal, Date.now()))
  const clock = systemClock

  const objects = createObjects({
    store,
    clock,
    newUid: randomUUID,
    newSuffix,
    admissions: [
      nodeRestriction(store, {
        serviceCIDRs: options.serviceCIDRs,
        podCIDRs: options.podCIDRs,
        controlAddresses: [bindAddress],
        localNode: options.localNode,
      }),
      namespaceLifecycle(store),
      defaultIngressClass(store),
      defaultTolerationSeconds(options.podEvictionSeconds),
      serviceAllocation(store, { serviceCIDRs: options.serviceCIDRs, nodePorts: options.nodePorts }),
    ],
  })
  const handle = createApiHandler({
    registry: createRegistry(),
    authorizer: createAuthorizer(createNodeGraph(store, { configMapsOfNodes: options.configMapsOfNodes })),
    store,
    objects,
    clock,
    version: podwayVersion(),
    subresources: {
      'pods/binding create': podBinding(objects, clock),
      'pods/log get': podLog(objects, createAgentConnection(pki.client, pki.authority.cert)),
      'namespaces/finalize update': namespaceFinalize(objects),
    },
    extra: { 'POST /podway/v1/join': joinHandler(pki.authority) },
  })
  const client = createClient(createLocalTransport(handle, controlUser))
  const server = createApiServer(handle, {
    ...pki.server,
    ca: pki.authority.cert,
    tokens: [{ token: secret, user: { name: 'podway:joiner', groups: [joinersGroup] } }],
    log,
  })

  const endpoint = { apiAddress: bindAddress, apiPort: options.port }
  const bootstrap = { ...endpoint, apiClusterIP, dnsClusterIP: clusterDns, serviceCIDRs: options.serviceCIDRs }
  await bootstrapCluster(client, bootstrap)
  server.listen(options.port, bindAddress)
  await once(server, 'listening')
  const connection = {
    server: `https://${bindAddress.includes(':') ? `[${bindAddress}]` : bindAddress}:${options.port}`,
  }
  await writeFileAtomic(
    files.kubeconfig,
    renderKubeconfig('podway', { ...connection, ca: pki.authority.cert, ...pki.admin }),
  )
  // Last: whoever waits for the token can join from now on.
  await writeFileAtomic(files.token, formatJoinToken({ caHash: certificateHash(pki.authority.cert), secret }))
  log.info({ address: bindAddress, port: options.port }, 'the API is up')

  const settings = {
    podCIDRs: options.podCIDRs,
    nodePrefixLengths: options.nodePrefixLengths,
    nodeMonitorGraceSeconds: options.nodeGraceSeconds,
    loadBalancerCIDR: options.loadBalancerCIDR,
  }
  await runControllers({ client, clock, log, settings, more: [createBootstrapController(bootstrap)] }, signal)
  server.closeAllConnections()
  server.close()
  store.close()
}
