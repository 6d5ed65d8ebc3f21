/** The typed client: resources in, objects out. Knows paths and verbs; how bytes travel is the transport's matter. */
import { listsResource, listsVersion } from './discovery.ts'
import { type Resource, resourcePath, serviceAccounts } from './resources.ts'
import type { ApiTransport } from './transport.ts'
import type { DeleteOptions as AllDeleteOptions, KubeList, KubeObject, Status, WatchEvent } from './types/index.ts'
import type { TokenRequest } from './types/kubernetes/authentication-v1.ts'

export interface ListOptions {
  /** All namespaces when missing. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

interface WatchOptions extends ListOptions {
  readonly resourceVersion: string
  readonly timeoutSeconds?: number
}

export interface DeleteOptions extends Pick<AllDeleteOptions, 'gracePeriodSeconds' | 'preconditions'> {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
}

export interface ApplyOptions {
  readonly fieldManager: string
  readonly force?: boolean
}

/** What a caller may leave out of an object it creates: the client fills apiVersion and kind. */
export type Draft<T extends KubeObject> = Omit<T, 'apiVersion' | 'kind'>

export interface AccountName {
  readonly name: string
  readonly namespace: string
}

type Named = { readonly metadata: { readonly name: string; readonly namespace?: string } }

export type Client = ReturnType<typeof createClient>

/** All methods reject with `ApiError` on a failure Status. */
export const createClient = (transport: ApiTransport) => {
  const typeOf = ({ group, version, kind }: Resource) => ({
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind,
  })
  const typed = <T extends KubeObject>(r: Resource<T>, object: Draft<T>) => ({ ...typeOf(r), ...object })
  const pathOf = (r: Resource, object: Named, subresource?: string) =>
    resourcePath(r, object.metadata.namespace, object.metadata.name, subresource)

  return {
    /**
     * Whether the server has the kind, as its own discovery documents say. A 404 of the kind itself may come from whatever
     * stands in between. Rejects when they cannot be read.
     */
    serves: async ({ group, version, plural }: Resource, signal?: AbortSignal): Promise<boolean> => {
      const ask = (path: string): Promise<unknown> => transport.request({ method: 'GET', path }, signal)
      if (group !== '' && !listsVersion(await ask('/apis'), `${group}/${version}`)) return false
      return listsResource(await ask(group === '' ? `/api/${version}` : `/apis/${group}/${version}`), plural)
    },

    get: async <T extends KubeObject>(r: Resource<T>, name: string, namespace?: string): Promise<T> =>
      (await transport.request({ method: 'GET', path: resourcePath(r, namespace, name) })) as T,

    /** What is no object of a resource: a page of a metrics API. Nothing is known of it but that it is JSON. */
    read: (path: string, query: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Promise<unknown> =>
      transport.request({ method: 'GET', path, query }, signal),

    /** Its items have kind and apiVersion, which servers leave out of lists of built-in kinds. */
    list: async <T extends KubeObject>(
      r: Resource<T>,
      options: ListOptions = {},
      signal?: AbortSignal,
    ): Promise<KubeList<T>> => {
      const { namespace, ...selectors } = options
      const path = resourcePath(r, namespace)
      const list = (await transport.request({ method: 'GET', path, query: selectors }, signal)) as KubeList<T>
      return { ...list, items: (list.items ?? []).map((item) => (item.kind ? item : { ...item, ...typeOf(r) })) }
    },

    /** Events from `resourceVersion` on, bookmarks included. An ERROR event is thrown as `ApiError` by the transport. */
    watch: <T extends KubeObject>(
      r: Resource<T>,
      options: WatchOptions,
      signal: AbortSignal,
    ): AsyncIterable<WatchEvent<T>> => {
      const { namespace, timeoutSeconds, ...rest } = options
      const query = {
        ...rest,
        watch: 'true',
        allowWatchBookmarks: 'true',
        ...(timeoutSeconds === undefined ? {} : { timeoutSeconds: String(timeoutSeconds) }),
      }
      const path = resourcePath(r, namespace)
      return transport.watch({ method: 'GET', path, query }, signal) as AsyncIterable<WatchEvent<T>>
    },

    create: async <T extends KubeObject>(r: Resource<T>, object: Draft<T>, subresource?: string): Promise<T> => {
      const { namespace, name } = object.metadata
      const path =
        subresource === undefined ? resourcePath(r, namespace) : resourcePath(r, namespace, name, subresource)
      return (await transport.request({ method: 'POST', path, body: typed(r, object) })) as T
    },

    /** A token of a ServiceAccount. */
    requestToken: async (
      { name, namespace }: AccountName,
      spec: TokenRequest['spec'],
    ): Promise<TokenRequest['status']> => {
      const path = resourcePath(serviceAccounts, namespace, name, 'token')
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec }
      const { status } = (await transport.request({ method: 'POST', path, body })) as TokenRequest
      return status
    },

    /** Replaces the object; its resourceVersion, when there, must still be the current one. */
    update: async <T extends KubeObject>(r: Resource<T>, object: Draft<T>, subresource?: string): Promise<T> =>
      (await transport.request({ method: 'PUT', path: pathOf(r, object, subresource), body: typed(r, object) })) as T,

    updateStatus: async <T extends KubeObject>(r: Resource<T>, object: Draft<T>): Promise<T> =>
      (await transport.request({
        method: 'PUT',
        path: pathOf(r, object, 'status'),
        body: typed(r, object),
      })) as T,

    /** A JSON merge patch (RFC 7386): `null` deletes, lists are replaced whole. */
    patch: async <T extends KubeObject>(
      r: Resource<T>,
      target: Named,
      patch: object,
      subresource?: 'status',
    ): Promise<T> =>
      (await transport.request({
        method: 'PATCH',
        path: pathOf(r, target, subresource),
        body: patch,
        contentType: 'application/merge-patch+json',
      })) as T,

    /**
     * Server-side apply: the fields that are given become so and are this manager's; those that it gave before and does not give any
     * more go. The object is made when there is none. A field that is another manager's and otherwise is a conflict, unless `force`
     * takes it.
     */
    apply: async <T extends KubeObject>(
      r: Resource<T>,
      object: Draft<T>,
      { fieldManager, force = false }: ApplyOptions,
    ): Promise<T> =>
      (await transport.request({
        method: 'PATCH',
        path: pathOf(r, object),
        query: { fieldManager, force: String(force) },
        body: typed(r, object),
        contentType: 'application/apply-patch+yaml',
      })) as T,

    delete: async <T extends KubeObject>(
      r: Resource<T>,
      target: Named,
      options: DeleteOptions = {},
    ): Promise<T | Status> =>
      (await transport.request({
        method: 'DELETE',
        path: pathOf(r, target),
        body: { apiVersion: 'v1', kind: 'DeleteOptions', ...options },
      })) as T | Status,
  }
}
