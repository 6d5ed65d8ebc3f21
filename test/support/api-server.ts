/** The whole API without sockets: a request in, what would go over the wire out. */
import { generateKeyPairSync } from 'node:crypto'
import { createFakeClock, type FakeClock } from '../../src/api/clock.ts'
import { ApiError } from '../../src/api/errors.ts'
import type { Method } from '../../src/api/transport.ts'
import type { WatchEvent } from '../../src/api/types/index.ts'
import type { AdmissionSettings } from '../../src/control/admission/admissions.ts'
import { authenticatedGroup, mastersGroup, type User } from '../../src/control/auth/user.ts'
import { keepBundledKinds } from '../../src/control/bootstrap/bundled-kinds.ts'
import { openControlPlane } from '../../src/control/control-plane.ts'
import type { Dialer } from '../../src/control/dial/dialer.ts'
import { createBodyParser } from '../../src/control/server/body/parse.ts'
import { type Answer, asking, type Call, type Handler, withHeaders } from '../../src/control/server/call.ts'
import { renderList } from '../../src/control/server/render.ts'
import type { Backend } from '../../src/control/storage/backend.ts'
import { createMemoryBackend } from '../../src/control/storage/memory-backend.ts'
import type { Store } from '../../src/control/storage/store.ts'
import type { AccountTokenOptions } from '../../src/control/tokens/account-tokens.ts'
import { silentLogger } from '../../src/host/log.ts'

export interface Reply {
  readonly code: number
  /** Any JSON: tests look into it as they like. */
  readonly body: Json
  readonly warnings: readonly string[]
}

/** JSON of any shape; a missing part reads as undefined. */
export interface Json {
  readonly [key: string]: Json
  readonly [index: number]: Json
}

export interface RequestOptions {
  readonly body?: unknown
  /** Instead of `body`: as it comes over the wire. */
  readonly text?: string
  readonly contentType?: string
  readonly accept?: string
  readonly agent?: string
  /** Further ones, by their names in lower case. */
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly user?: User
}

export interface TestApi {
  readonly clock: FakeClock
  readonly backend: Backend
  readonly store: Store
  readonly handle: Handler
  /** `path` may hold a query. */
  request(method: Method, path: string, options?: RequestOptions): Promise<Reply>
  /** Collects a watch's events until `stop`. */
  watch(path: string, accept?: string): Promise<{ readonly events: WatchEvent<Json>[]; stop(): Promise<void> }>
}

/** The control plane of tests answers at 172.30.0.2. */
export const testNetworks = {
  serviceCIDRs: ['10.96.0.0/16'],
  podCIDRs: ['10.244.0.0/16'],
  controlAddresses: ['172.30.0.2'],
  localNode: undefined,
}

export const testAdmission: AdmissionSettings = {
  networks: testNetworks,
  nodePorts: { from: 30_000, to: 32_767 },
  podEvictionSeconds: 300,
  // No controller makes accounts, and most tests are about something else.
  disabled: ['ServiceAccount'],
}

const { privateKey, publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  ...{ privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } },
})

export const testTokens: AccountTokenOptions = {
  keys: () => testKeys,
  issuer: 'https://kubernetes.default.svc.cluster.local',
  keysUrl: 'https://172.30.0.2:6443/openid/v1/jwks',
}
const testKeys = { signing: privateKey, trusted: [publicKey] }

export const admin: User = { name: 'admin', groups: [mastersGroup, authenticatedGroup] }

const parser = createBodyParser()

export const callOf = (method: Method, path: string, options: RequestOptions, signal: AbortSignal): Call => {
  const url = new URL(path, 'https://api')
  return {
    ...asking(method, url.pathname, url.searchParams),
    user: options.user ?? admin,
    address: '192.0.2.1',
    ...withHeaders({
      'user-agent': [options.agent ?? 'test/1'],
      accept: [options.accept ?? ''],
      ...options.headers,
    }),
    contentType: options.contentType ?? 'application/json',
    body: async () =>
      options.text === undefined
        ? structuredClone(options.body)
        : parser.parse(Buffer.from(options.text), options.contentType ?? 'application/json'),
    rawBody: async () => Buffer.from(options.text ?? (options.body === undefined ? '' : JSON.stringify(options.body))),
    signal,
  }
}

const replyOf = (answer: Answer): Reply => {
  if (answer.kind === 'object')
    return { code: answer.code, body: JSON.parse(JSON.stringify(answer.object)), warnings: answer.warnings ?? [] }
  if (answer.kind === 'list')
    return {
      code: 200,
      body: JSON.parse([...renderList(answer.list, answer.bare)].join('')),
      warnings: answer.warnings ?? [],
    }
  if (answer.kind !== 'bytes') throw new Error(`expected an object, got a ${answer.kind}`)
  const text = answer.contentType === 'application/json' ? JSON.parse(String(answer.bytes)) : { bytes: answer.bytes }
  return { code: answer.code ?? 200, body: text, warnings: [] }
}

/** Requests to a handler, and what comes back. */
export const requesting = (handle: Handler): Pick<TestApi, 'request' | 'watch'> => {
  const never = new AbortController().signal
  return {
    request: async (method, path, options = {}) => {
      try {
        return replyOf(await handle(callOf(method, path, options, never)))
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return { code: error.code, body: JSON.parse(JSON.stringify(error.toStatus())), warnings: [] }
      }
    },
    watch: async (path, accept) => {
      const stop = new AbortController()
      const answer = await handle(callOf('GET', path, accept === undefined ? {} : { accept }, stop.signal))
      if (answer.kind !== 'watch') throw new Error('not a watch')
      const events: WatchEvent<Json>[] = []
      const ended = answer.run((event) => events.push(JSON.parse(JSON.stringify(event))), stop.signal)
      return {
        events,
        stop: () => {
          stop.abort()
          return ended
        },
      }
    },
  }
}

export interface TestApiOptions {
  readonly history?: number
  readonly admission?: Partial<AdmissionSettings>
  /** That of another API: this one is a further server of the same cluster. */
  readonly backend?: Backend
  readonly agents?: Dialer
  /** With the kinds that come as CustomResourceDefinitions. */
  readonly bundled?: boolean
}

/** No agent answers. */
export const noAgents: Dialer = {
  open: async () => {
    throw new Error('there are no agents in this test')
  },
}

/** An API over an empty store, with the namespace `default`. Names and uids count up, time stands still. */
export const createTestApi = async ({
  history,
  admission,
  backend = createMemoryBackend(),
  agents = noAgents,
  bundled = false,
}: TestApiOptions = {}): Promise<TestApi> => {
  const clock = createFakeClock()
  let uids = 0
  let suffixes = 0
  const { store, handle, client } = await openControlPlane({
    ...{ backend, clock, agents, tokens: testTokens },
    admission: { ...testAdmission, ...admission },
    naming: { newUid: () => `uid-${++uids}`, newSuffix: () => String(++suffixes).padStart(5, '0') },
    storing: history === undefined ? {} : { history: { changes: history, milliseconds: 3_600_000 } },
  })
  const api: TestApi = {
    clock,
    backend,
    store,
    handle,
    ...requesting(handle),
  }
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  if (bundled) await keepBundledKinds(client, { clock, log: silentLogger })
  return api
}
