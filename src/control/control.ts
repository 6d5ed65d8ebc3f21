/** The control plane as a whole: store, API, controllers, scheduler, in one process. */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../api/clock.ts'
import { renderKubeconfig } from '../api/kubeconfig.ts'
import { runWithLeaderElection } from '../controller/leader-election.ts'
import { growWithWork } from '../host/busy-memory.ts'
import { writeFileAtomic } from '../host/files.ts'
import type { Logger } from '../host/log.ts'
import { type IpFamily, isAddress, joinHostPort } from '../ip/address.ts'
import { addressAt } from '../ip/cidr.ts'
import type { ClusterNetworks } from './admission/node-claims.ts'
import type { PluginName } from './admission/plugins.ts'
import { frontProxyName, publishFrontProxy } from './aggregation/front-proxy.ts'
import type { AuditSettings } from './audit/log-file.ts'
import type { AuthenticationSettings } from './auth/authenticators.ts'
import { keepCertificates } from './auth/keep-certificates.ts'
import { openPki, type Pki } from './auth/pki.ts'
import { controlUser, mastersGroup } from './auth/user.ts'
import { type AuthorizationSettings, hasRoles } from './authorization/modes.ts'
import { bootstrapCluster } from './bootstrap/bootstrap.ts'
import { keepDefaultRoles } from './bootstrap/default-roles.ts'
import { controllersLease } from './components/component-statuses.ts'
import { type ControlPlane, openControlPlane } from './control-plane.ts'
import { createApiServersController } from './controllers/api-servers.ts'
import { createApiServiceController } from './controllers/api-services.ts'
import type { AutoscalerSettings } from './controllers/autoscaler-settings.ts'
import { createBootstrapController } from './controllers/bootstrap-objects.ts'
import type { ComponentName } from './controllers/names.ts'
import { createAgents } from './dial/agents.ts'
import { encryptPlace, readEncryptionRules } from './encrypted-place.ts'
import { checkCluster, claimCluster, obtainKeys } from './join-cluster.ts'
import { announceServer } from './leadership/announce.ts'
import { type EtcdPlace, storePlace } from './open-backend.ts'
import { runControllers } from './run-controllers.ts'
import { loadScheduler, type SchedulerFiles } from './scheduler/load.ts'
import { apiServerTls, createApiServer } from './server/https.ts'
import type { EncryptedBackend } from './storage/encryption/encrypted-backend.ts'

export interface ControlOptions {
  /** Everything durable is below this folder. */
  readonly dataDir: string
  /** Where the objects are instead, perhaps those of several control planes. */
  readonly etcd?: EtcdPlace
  /** By which the keys of the cluster in etcd are got, where they are not in the folder yet. */
  readonly joinToken?: string
  /** The address and port that the API listens on; other machines reach it there. */
  readonly bindAddress: string
  readonly port: number
  /** Further names and addresses that the server's certificate is for. */
  readonly names: readonly string[]
  /** One for each IP family; the first is the cluster's main one. */
  readonly serviceCIDRs: readonly string[]
  readonly podCIDRs: readonly string[]
  /** Each node gets a part of the pod CIDR of this prefix length. */
  readonly nodePrefixLengths: Readonly<Record<IpFamily, number>>
  /** Where Services of type LoadBalancer get addresses; those of the nodes when missing. */
  readonly loadBalancerCIDR: string | undefined
  readonly nodePorts: { readonly from: number; readonly to: number }
  readonly clusterDns: string
  readonly clusterDomain: string
  /** The node on this machine, which may have the API's own address. */
  readonly localNode: string | undefined
  readonly authentication: AuthenticationSettings
  readonly authorization: AuthorizationSettings
  /** Missing: no audit log. */
  readonly audit?: AuditSettings | undefined
  /** No certificate that nodes and others ask for is good for longer. */
  readonly signingSeconds: number
  readonly nodeGraceSeconds: number
  /** Pods of a node that is not ready for so long are given up, unless they say otherwise themselves. */
  readonly podEvictionSeconds: number
  readonly autoscaler: AutoscalerSettings
  /** The file that says what is encrypted in the store, and by which keys. */
  readonly encryptionConfig?: string
  /** Admission plugins that do not run. */
  readonly disabledPlugins: readonly PluginName[]
  /** Controllers that others run for this cluster, and the scheduler. */
  readonly disabledControllers: readonly ComponentName[]
  readonly scheduler: SchedulerFiles
  readonly log: Logger
}

/** The files that others read. */
export const controlFiles = (dataDir: string) => ({
  store: join(dataDir, 'store.db'),
  pki: join(dataDir, 'pki'),
  /** Written last: whoever finds it can use the API. */
  kubeconfig: join(dataDir, 'admin.kubeconfig'),
})

/** The names by which the API is reached. */
const namesOfApi = ({ bindAddress, names, clusterDomain }: ControlOptions): readonly string[] => {
  const services = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${clusterDomain}`,
  ]
  return [...services, ...[bindAddress, ...names].filter((name) => !isAddress(name))]
}

const openCertificates = (options: ControlOptions, apiClusterIP: string, isFounded: boolean): Promise<Pki> => {
  const { bindAddress, names, dataDir, log } = options
  return openPki({
    folder: controlFiles(dataDir).pki,
    server: {
      commonName: 'podway-api',
      dnsNames: [...new Set(namesOfApi(options))],
      addresses: [...new Set([bindAddress, ...names].filter(isAddress)), apiClusterIP],
    },
    client: { commonName: controlUser.name, organizations: [mastersGroup] },
    frontProxy: { commonName: frontProxyName },
    admin: { commonName: 'podway-admin', organizations: [mastersGroup] },
    now: Date.now(),
    isFounded,
    onDamage: (message) => log.warn(message),
  })
}

/** What cannot be written anew now stays readable, and is tried again at the next start. */
const rewriteStale = async (backend: EncryptedBackend, log: Logger): Promise<void> => {
  try {
    const objects = await backend.rewrite()
    if (objects > 0) log.info({ objects }, 'objects in the store written anew, encrypted by the first provider')
  } catch (error) {
    log.error(
      { err: error },
      'cannot write anew what is encrypted by another key or not at all; the next start tries again',
    )
  }
}

/** Runs until `signal` aborts. Resolves early only by rejecting, when it cannot start. */
export const runControl = async (options: ControlOptions, signal: AbortSignal): Promise<void> => {
  const { dataDir, bindAddress, log, clusterDns, disabledControllers: disabled } = options
  const files = controlFiles(dataDir)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const apiClusterIP = addressAt(options.serviceCIDRs[0] ?? '', 1)
  const rules = await readEncryptionRules(options.encryptionConfig)
  const scheduler = await loadScheduler(options.scheduler)
  const place = encryptPlace(storePlace(files.store, options.etcd, log), rules)
  const { isSole } = place
  await obtainKeys(place, files.pki, options.joinToken, Date.now())
  let pki = await openCertificates(options, apiClusterIP, await place.isFounded())
  const backend = await place.open()
  const clock = systemClock
  const networks: ClusterNetworks = {
    ...{ serviceCIDRs: options.serviceCIDRs, podCIDRs: options.podCIDRs, localNode: options.localNode },
    controlAddresses: [bindAddress, ...options.names.filter(isAddress)],
  }
  const serverUrl = `https://${joinHostPort(bindAddress, options.port)}`
  const agents = createAgents(() => plane.store, { pair: () => pki.client, ca: pki.authority.cert }, log)
  const plane: ControlPlane = await openControlPlane({
    frontProxy: () => pki.frontProxy,
    ...{
      backend,
      clock,
      log,
      authentication: options.authentication,
      authorization: options.authorization,
      audit: options.audit,
    },
    admission: {
      networks,
      nodePorts: options.nodePorts,
      podEvictionSeconds: options.podEvictionSeconds,
      disabled: options.disabledPlugins,
    },
    ...{ agents, tunnels: agents.tunnels, disabledControllers: disabled },
    tokens: {
      keys: () => pki.tokens,
      issuer: `https://kubernetes.default.svc.${options.clusterDomain}`,
      keysUrl: `${serverUrl}/openid/v1/jwks`,
    },
  })
  const { client, registry } = plane
  const server = createApiServer(plane.handleIncoming, {
    ...{ ...pki.server, ca: pki.authority.cert },
    log,
  })

  const identity = `${hostname()}_${randomUUID()}`
  const here = { address: bindAddress, port: options.port }
  const servers = isSole ? [here] : []
  const bootstrap = { servers, apiClusterIP, dnsClusterIP: clusterDns, serviceCIDRs: options.serviceCIDRs }
  await checkCluster(client, pki.authority.cert)
  await bootstrapCluster(client, bootstrap, { clock, log })
  await publishFrontProxy(client, pki.authority.cert)
  await claimCluster(client, pki.authority.cert)
  if (hasRoles(options.authorization)) await keepDefaultRoles(client)
  server.listen(options.port, bindAddress)
  await once(server, 'listening')
  const writeKubeconfig = ({ authority, admin }: Pki): Promise<void> =>
    writeFileAtomic(files.kubeconfig, renderKubeconfig('podway', { server: serverUrl, ca: authority.cert, ...admin }))
  await writeKubeconfig(pki)
  log.info({ address: bindAddress, port: options.port }, 'the API is up')
  growWithWork()
  if (rules.length > 0) await rewriteStale(backend, log)

  const settings = {
    podCIDRs: options.podCIDRs,
    nodePrefixLengths: options.nodePrefixLengths,
    nodeMonitorGraceSeconds: options.nodeGraceSeconds,
    loadBalancerCIDR: options.loadBalancerCIDR,
    autoscaler: options.autoscaler,
    certificates: {
      ...{ authority: pki.authority, signingSeconds: options.signingSeconds, networks },
      ...{ clusterDomain: options.clusterDomain, controlNames: namesOfApi(options) },
    },
    secretTokens: plane.tokens.ofSecrets,
  }
  const renewing = keepCertificates(
    {
      ...{ clock, log, current: pki, open: () => openCertificates(options, apiClusterIP, true) },
      use: async (next) => {
        pki = next
        server.setSecureContext(apiServerTls(next.server, next.authority.cert))
        await writeKubeconfig(next)
      },
    },
    signal,
  )
  const more = [
    createBootstrapController(bootstrap),
    createApiServiceController(plane.aggregation.check),
    ...(isSole ? [] : [createApiServersController]),
  ]
  const announcing = isSole ? undefined : announceServer({ client, clock, log, identity, place: here }, signal)
  await runWithLeaderElection(
    { client, clock, log, name: controllersLease, identity, isSole },
    (term) =>
      runControllers(
        {
          client,
          registry,
          findRemote: plane.aggregation.versions,
          clock,
          log,
          settings,
          loops: plane.loops,
          ...{ scheduler, disabled },
          more,
        },
        term,
      ),
    signal,
  )
  await announcing
  await renewing
  agents.tunnels.close()
  server.closeAllConnections()
  server.close()
  await plane.close()
}
