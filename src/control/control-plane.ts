/** One API server without its socket, over any backend: the daemon and the tests make it here and nowhere else. */
import { randomInt, randomUUID } from 'node:crypto'
import type { KeyPair } from '../api/certificates.ts'
import { type Client, createClient } from '../api/client.ts'
import { type Clock, systemClock } from '../api/clock.ts'
import { tunnelPath } from '../api/tunnel/web-socket.ts'
import { type Logger, silentLogger } from '../host/log.ts'
import { podwayVersion } from '../host/version.ts'
import { type AdmissionSettings, createAdmissions } from './admission/admissions.ts'
import type { PluginName } from './admission/plugins.ts'
import { resourceQuota } from './admission/resource-quota.ts'
import { type Aggregation, createAggregation } from './aggregation/aggregation.ts'
import { type AuditSettings, createAuditLog } from './audit/log-file.ts'
import { readPolicy } from './audit/policy.ts'
import { type AuthenticationSettings, createAuthenticators } from './auth/authenticators.ts'
import { controlUser } from './auth/user.ts'
import { createAuthorization } from './authorization/authorizers.ts'
import type { AuthorizationSettings } from './authorization/modes.ts'
import { createComponentStatuses } from './components/component-statuses.ts'
import { createLoops, type Loops } from './components/loops.ts'
import type { ComponentName } from './controllers/names.ts'
import { createConversionWebhook } from './custom/conversion-webhook.ts'
import { createCustomKinds } from './custom/source.ts'
import { acceptTunnel } from './dial/accept-tunnel.ts'
import type { Dialer } from './dial/dialer.ts'
import { createServiceConnections } from './dial/services.ts'
import type { Tunnels } from './dial/tunnels.ts'
import { observedUsage } from './metrics/observed-usage.ts'
import { nodeSubresources } from './node-subresources.ts'
import { createObjects, type Objects } from './objects/objects.ts'
import { createRegistry, type Registry } from './registry/registry.ts'
import { accessReviews } from './server/access-reviews.ts'
import { createApiHandler } from './server/api-handler.ts'
import { createAuditing } from './server/auditing.ts'
import { authenticated } from './server/authentication.ts'
import type { Handler, IncomingHandler } from './server/call.ts'
import { csrApprovals } from './server/csr-approval.ts'
import { podEviction } from './server/eviction.ts'
import { createHealth, type HealthCheck } from './server/health.ts'
import { createLocalTransport } from './server/local-transport.ts'
import { namespaceFinalize, podBinding } from './server/subresources.ts'
import { tokenDiscoveryPaths } from './server/token-discovery.ts'
import { tokenRequest } from './server/token-request.ts'
import { tokenReviews } from './server/token-review.ts'
import type { Backend } from './storage/backend.ts'
import type { Store } from './storage/store.ts'
import { openStore, type StoreOptions } from './storage/watch-cache.ts'
import { type AccountTokenOptions, type AccountTokens, createAccountTokens } from './tokens/account-tokens.ts'
import { createWebhookClient } from './webhooks/client.ts'
import { admissionPolicies } from './webhooks/policies.ts'
import { mutatingWebhooks, validatingWebhooks } from './webhooks/webhooks.ts'

/** What is by chance in an object that is made. */
export interface Naming {
  readonly newUid: () => string
  /** Five characters that make a generated name unique. */
  readonly newSuffix: () => string
}

export interface ControlPlaneOptions {
  readonly backend: Backend
  readonly admission: AdmissionSettings
  /** The way to the nodes of pods. */
  readonly agents: Dialer
  /** Takes what nodes dial. */
  readonly tunnels?: Pick<Tunnels, 'add'>
  readonly tokens: AccountTokenOptions
  readonly authentication?: AuthenticationSettings
  readonly authorization?: AuthorizationSettings
  readonly audit?: AuditSettings | undefined
  /** Beside that of the store. */
  readonly healthChecks?: readonly HealthCheck[]
  /** What others do here. */
  readonly disabledControllers?: readonly ComponentName[]
  readonly clock?: Clock
  readonly log?: Logger
  readonly naming?: Naming
  readonly storing?: StoreOptions
  /** What this server shows to API servers behind it; they take its word for who asks. */
  readonly frontProxy?: () => KeyPair
}

export interface ControlPlane {
  /** Answers whoever comes over the network. */
  readonly handleIncoming: IncomingHandler
  /** The same for a user that is known already. */
  readonly handle: Handler
  /** As the control plane itself. */
  readonly client: Client
  readonly registry: Registry
  readonly aggregation: Aggregation
  readonly store: Store
  readonly objects: Objects
  readonly tokens: AccountTokens
  /** Whoever runs the controllers tells here how they are. */
  readonly loops: Loops
  close(): Promise<void>
}

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

const randomNaming: Naming = {
  newUid: randomUUID,
  newSuffix: () => Array.from({ length: 5 }, () => suffixAlphabet[randomInt(suffixAlphabet.length)]).join(''),
}

/** Monitoring asks for `etcd` by this name, whatever the store is. */
const healthChecks = (store: Store): readonly HealthCheck[] => [
  { name: 'ping', check: () => undefined },
  { name: 'etcd', check: () => store.fresh() },
]

/** Rejects for a policy that cannot be used. */
const openAudit = async ({ policyFile, ...file }: AuditSettings, clock: Clock, logger: Logger) => {
  const log = createAuditLog(file, clock, logger)
  const auditing = createAuditing({ policy: await readPolicy(policyFile), log, clock })
  return { auditing, counts: log.counts, close: log.close }
}

/** Rejects when the backend cannot be loaded. `close` closes the backend, too. */
export const openControlPlane = async (options: ControlPlaneOptions): Promise<ControlPlane> => {
  const { backend, agents, tunnels, clock = systemClock, naming = randomNaming, storing, log = silentLogger } = options
  const store = await openStore(backend, storing)
  const tokens = createAccountTokens(store, clock, options.tokens)
  const authorization = await createAuthorization({ store, clock, log }, options.authorization)
  const connect = createServiceConnections(store, agents)
  const webhooks = createWebhookClient(connect)
  const customKinds = createCustomKinds(store, (definition) => createConversionWebhook(definition, webhooks))
  const registry = createRegistry(customKinds)
  const asking = { store, registry, client: webhooks, log }
  const pair = (): KeyPair | undefined => options.frontProxy?.()
  const loops = createLoops(clock)
  const aggregation = createAggregation({ store, registry, clock, log, connect, pair })
  const admissions = createAdmissions(store, clock, authorization, options.admission, mutatingWebhooks(asking))
  const isOff = (plugin: PluginName): boolean => (options.admission.disabled ?? []).includes(plugin)
  const objects = createObjects({
    store,
    clock,
    ...naming,
    admissions,
    validations: [admissionPolicies(asking), validatingWebhooks(asking)],
    ...(isOff('ResourceQuota') ? {} : { accounting: resourceQuota(store, clock) }),
  })
  const authenticate = await createAuthenticators(
    { store, clock, log, findAccount: tokens.find },
    options.authentication,
  )
  const audit = options.audit && (await openAudit(options.audit, clock, log))
  const handle = createApiHandler({
    registry,
    elsewhere: aggregation,
    authorizer: authorization.authorizer,
    ...{ store, objects, clock, version: podwayVersion() },
    audit,
    health: createHealth([...healthChecks(store), ...(options.healthChecks ?? [])], (check, error) =>
      log.warn({ check, err: error }, 'a health check failed'),
    ),
    paths: { ...tokenDiscoveryPaths(tokens.discovery), ...(tunnels ? { [tunnelPath]: acceptTunnel(tunnels) } : {}) },
    subresources: {
      ...csrApprovals(objects, clock),
      'pods/binding create': podBinding(objects, clock),
      'pods/eviction create': podEviction({ objects, store, clock }),
      ...nodeSubresources(objects, agents),
      'namespaces/finalize update': namespaceFinalize(objects, clock),
      'serviceaccounts/token create': tokenRequest(objects, tokens.issuer),
    },
    observers: {
      componentstatuses: createComponentStatuses({ store, clock, loops, disabled: options.disabledControllers ?? [] }),
      ...observedUsage({ store, dialer: agents, clock, log }),
    },
    questions: {
      ...accessReviews(objects, authorization),
      'tokenreviews.authentication.k8s.io': tokenReviews({
        ...{ objects, authenticate, findAccount: tokens.find, audiences: tokens.issuer.audiences },
      }),
    },
  })
  const client = createClient(createLocalTransport(handle, controlUser))
  const handleIncoming = authenticated(authenticate, handle, audit?.auditing)
  const close = async (): Promise<void> => {
    webhooks.close()
    aggregation.close()
    await audit?.close()
    await store.close()
  }
  return { handleIncoming, handle, client, registry, aggregation, store, objects, tokens, loops, close }
}
