/** The API server itself over memory, with handles for tests: what is stored, what was asked, and what goes wrong. */
import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../../src/api/clock.ts'
import { notFound } from '../../src/api/errors.ts'
import { objectKey } from '../../src/api/resources.ts'
import type { ApiRequest, ApiTransport } from '../../src/api/transport.ts'
import type { KubeObject } from '../../src/api/types/index.ts'
import { keepBundledKinds } from '../../src/control/bootstrap/bundled-kinds.ts'
import { openControlPlane } from '../../src/control/control-plane.ts'
import { bucketOf, type ResourceDefinition } from '../../src/control/resources/definition.ts'
import { createLocalTransport } from '../../src/control/server/local-transport.ts'
import type { Operation, StoreKey } from '../../src/control/storage/backend.ts'
import { createMemoryBackend } from '../../src/control/storage/memory-backend.ts'
import { silentLogger } from '../../src/host/log.ts'
import { admin, noAgents, testAdmission, testTokens } from './api-server.ts'

export interface ClusterApi extends ApiTransport {
  /** Every request that was answered, as `PATCH /api/v1/nodes/a/status`; watches as `WATCH /api/v1/pods`. */
  readonly calls: readonly string[]
  /**
   * Stores an object unchecked, as if it had always been there, with what it leaves out; `asIs` without that, as a server of
   * another make may have it. Watchers are told.
   */
  put(plural: string, object: KubeObject, form?: 'asIs'): void
  /** What is stored: all objects of a plural, or the one with this key (`namespace/name`, or `name`). */
  all(plural: string): readonly KubeObject[]
  peek<T extends KubeObject = KubeObject>(plural: string, key: string): T | undefined
  /** Removes without asking finalizers or grace periods. */
  drop(plural: string, key: string): void
  /** Called before each request; what it throws is the answer. `undefined` ends the interference. */
  interfere(hook: ((request: ApiRequest) => void | Promise<void>) | undefined): void
}

/** Those in which tests have their objects. */
const namespaces = ['default', 'kube-node-lease', 'kube-system', 'infra', 'shop', 'x']

/** What a body leaves out. */
const whole = ({ schema, defaults = (given) => given }: ResourceDefinition, object: KubeObject): KubeObject =>
  schema ? { ...object, ...schema.decode(object).value } : defaults(object)

export const openClusterApi = async ({ clock = systemClock }: { readonly clock?: Clock } = {}): Promise<ClusterApi> => {
  const backend = createMemoryBackend()
  const { store, handle, client, registry } = await openControlPlane({
    backend,
    clock,
    agents: noAgents,
    tokens: testTokens,
    admission: testAdmission,
  })
  await keepBundledKinds(client, { clock, log: silentLogger })
  const transport = createLocalTransport(handle, admin)
  const calls: string[] = []
  let interference: ((request: ApiRequest) => void | Promise<void>) | undefined

  const definitionOf = (plural: string): ResourceDefinition => {
    const found = registry.kinds.find(({ row }) => row.plural === plural)
    if (!found) throw notFound({ group: '', plural }, plural)
    return found.row
  }

  const keyOf = (plural: string, name: string): StoreKey => ({ bucket: bucketOf(definitionOf(plural)), name })

  /** Done when it returns, behind all that was asked before. */
  const commit = (key: StoreKey, object?: KubeObject): void => {
    backend.flush()
    const expected = store.get(key)?.revision ?? 0
    const write: Pick<Operation, 'key' | 'expected'> = { key, expected }
    void store.commit(object === undefined ? write : { ...write, object })
    backend.flush()
  }

  const api: ClusterApi = {
    calls,
    request: async (request, signal) => {
      await interference?.(request)
      calls.push(`${request.method} ${request.path}`)
      return structuredClone(await transport.request(structuredClone(request), signal))
    },
    watch: async function* (request, signal) {
      calls.push(`WATCH ${request.path}`)
      await interference?.(request)
      for await (const event of transport.watch(request, signal)) yield structuredClone(event)
    },
    put: (plural, object, form) => {
      const definition = definitionOf(plural)
      const { group, version, kind } = definition
      const apiVersion = group === '' ? version : `${group}/${version}`
      const metadata = { ...object.metadata, uid: object.metadata.uid ?? randomUUID() }
      const given = structuredClone({ ...object, apiVersion, kind, metadata })
      commit(keyOf(plural, objectKey(object)), form === 'asIs' ? given : whole(definition, given))
    },
    all: (plural) => structuredClone(store.list(bucketOf(definitionOf(plural))).entries.map(({ object }) => object)),
    peek: <T extends KubeObject>(plural: string, key: string) =>
      structuredClone(store.get(keyOf(plural, key))?.object) as T | undefined,
    drop: (plural, key) => {
      if (store.get(keyOf(plural, key))) commit(keyOf(plural, key))
    },
    interfere: (hook) => {
      interference = hook
    },
  }
  for (const name of namespaces) api.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  return api
}
