/** Keeps routes, certificates and endpoints up to date with the local copies of the API's objects. */
import { isDeepStrictEqual } from 'node:util'
import type { Informer } from '../../../api/informer.ts'
import type { EndpointSlice, Ingress, IngressClass, Service } from '../../../api/types/index.ts'
import { readAnnotations } from '../annotations/read.ts'
import type { IngressSettings } from '../annotations/settings.ts'
import type { BackendKey } from '../policy/backend-key.ts'
import type { ClientCertificates } from '../policy/policy.ts'
import { createRouteBook, type SourceRules, type TableUpdate } from './book.ts'
import { type Backend, type BackendUpdates, resolveBackend } from './endpoints.ts'
import { type CompiledIngress, compileIngress, type HostTls } from './ingress-rules.ts'
import { type BackendRef, classView, type IngressView, ingressView, isServed } from './model.ts'
import type { Route } from './rule.ts'

export interface RoutingSources {
  readonly ingresses: Informer<Ingress>
  readonly classes: Informer<IngressClass>
  readonly services: Informer<Service>
  /** With an index `service` by the `namespace/name` of the Service. */
  readonly slices: Informer<EndpointSlice>
}

/** What the TLS entries show and ask for each host. */
export interface TlsView {
  readonly hosts: readonly (HostTls & { readonly ingress: string })[]
  readonly passthrough: readonly { readonly host: string; readonly backend: BackendKey }[]
  readonly clients: readonly { readonly host: string; readonly certificates: ClientCertificates }[]
}

/** Something in an Ingress that is not served as its author may expect. */
export interface RouteProblem {
  /** `namespace/name`. */
  readonly ingress: string
  readonly message: string
}

/** What has changed; all of it when it is asked for the first time. Plain data. */
export interface RoutingUpdate {
  readonly tables: readonly TableUpdate[]
  readonly fallback?: { readonly route: Route | undefined }
  /** Undefined: nobody refers to it any more. */
  readonly backends: BackendUpdates
  readonly tls?: TlsView
}

export interface Routing {
  /** Reads these Ingresses (`namespace/name`) again, or all of them. */
  readIngresses(keys?: Iterable<string>): void
  /** Replaces what another source of rules says. */
  readOther(source: string, sets: readonly SourceRules[], backends: readonly BackendRef[]): void
  /** Looks at the endpoints of these Services again. */
  readServices(keys: Iterable<string>): void
  /** What has changed since the last flush. */
  flush(): RoutingUpdate
  /** Everything, as of the last flush. */
  state(): RoutingUpdate
  problems(): readonly RouteProblem[]
  /** What the Ingresses of today have looked into, by `namespace/name`. */
  lookedAt(): { readonly secrets: ReadonlySet<string>; readonly configMaps: ReadonlySet<string> }
  /** The Ingresses that have looked into a Secret or a ConfigMap. */
  readersOf(kind: 'secrets' | 'configMaps', key: string): readonly string[]
}

export type ReadSettings = (view: IngressView) => IngressSettings

const nothingThere = { secret: () => undefined, configMap: () => undefined }

/** The settings of an Ingress where there are no Secrets and ConfigMaps to look into. */
const readAlone: ReadSettings = ({ key, annotations }) =>
  readAnnotations({ namespace: key.split('/')[0] ?? '', annotations }, nothingThere)

/** The entries on which every Ingress is served. */
export const ingressEntries = ['http', 'https'] as const

const byAge = (a: IngressView, b: IngressView): number =>
  a.created === b.created ? (a.key < b.key ? -1 : 1) : a.created < b.created ? -1 : 1

interface Source {
  readonly backends: readonly BackendRef[]
  readonly view?: IngressView
  readonly compiled?: CompiledIngress
  readonly settings?: IngressSettings
}

export const createRouting = (
  { ingresses, classes, services, slices }: RoutingSources,
  readSettings: ReadSettings = readAlone,
): Routing => {
  const book = createRouteBook()
  const sources = new Map<string, Source>()
  /** How many sources refer to each backend, and what stands behind it. */
  const uses = new Map<BackendKey, { readonly ref: BackendRef; count: number; current: Backend }>()
  const byService = new Map<string, Set<BackendKey>>()
  const changedBackends = new Map<BackendKey, Backend | undefined>()
  let fallback: Route | undefined
  let tls: TlsView = { hosts: [], passthrough: [], clients: [] }
  /** Whether a source that has to do with these has changed: to look at all of them takes time. */
  let isFallbackStale = false
  let isTlsStale = false

  const resolve = (ref: BackendRef): Backend =>
    resolveBackend(ref, services.get(ref.service), slices.by('service', ref.service))

  const use = (ref: BackendRef): void => {
    const known = uses.get(ref.key)
    if (known) return void known.count++
    const current = resolve(ref)
    uses.set(ref.key, { ref, count: 1, current })
    byService.set(ref.service, (byService.get(ref.service) ?? new Set()).add(ref.key))
    changedBackends.set(ref.key, current)
  }
  const disuse = (ref: BackendRef): void => {
    const known = uses.get(ref.key)
    if (!known || --known.count > 0) return
    uses.delete(ref.key)
    byService.get(ref.service)?.delete(ref.key)
    if (byService.get(ref.service)?.size === 0) byService.delete(ref.service)
    changedBackends.set(ref.key, undefined)
  }

  const concernsTls = (source: Source | undefined): boolean =>
    source?.compiled !== undefined &&
    (source.compiled.tls.length > 0 ||
      source.compiled.passthrough.length > 0 ||
      source.settings?.clientCertificates !== undefined)

  const put = (name: string, source: Source | undefined, sets: readonly SourceRules[]): void => {
    const previous = sources.get(name)
    const before = previous?.backends ?? []
    isTlsStale ||= concernsTls(previous) || concernsTls(source)
    isFallbackStale ||= Boolean(previous?.compiled?.fallback ?? source?.compiled?.fallback)
    // The new ones are counted in first: what stays is never gone.
    for (const ref of source?.backends ?? []) use(ref)
    for (const ref of before) disuse(ref)
    if (source) sources.set(name, source)
    else sources.delete(name)
    book.put(name, sets)
  }

  /** What could not be read, by a mistake of ours. */
  const unread = new Map<string, string>()

  const readIngress = (key: string, known: ReadonlyMap<string, ReturnType<typeof classView>>): void => {
    unread.delete(key)
    try {
      readOne(key, known)
    } catch (error) {
      // One that cannot be read is not served; all others are.
      unread.set(key, `not served: internal error: ${error instanceof Error ? error.message : String(error)}`)
      put(`Ingress ${key}`, undefined, [])
    }
  }

  const readOne = (key: string, known: ReadonlyMap<string, ReturnType<typeof classView>>): void => {
    const ingress = ingresses.get(key)
    const view = ingress && ingressView(ingress)
    const name = `Ingress ${key}`
    if (!view || !isServed(view, known)) {
      if (sources.has(name)) put(name, undefined, [])
      return
    }
    const settings = readSettings(view)
    const compiled = compileIngress(view, settings)
    put(name, { backends: compiled.backends, view, compiled, settings }, [
      { rules: compiled.rules, entries: ingressEntries },
    ])
  }

  /** Those that are gone, then those that are there. */
  const everyIngress = (): readonly string[] => [
    ...[...sources.values()].flatMap(({ view }) => (view && !ingresses.get(view.key) ? [view.key] : [])),
    ...[...ingresses.entries()].map(([key]) => key),
  ]

  /** The default backend of all: of an Ingress that says nothing else, else of the oldest that has one. */
  const electFallback = (): Route | undefined => {
    const claims = [...sources.values()].flatMap(({ view, compiled }) =>
      view && compiled?.fallback ? [{ view, ...compiled.fallback }] : [],
    )
    const [first] = claims.sort((a, b) => Number(b.general) - Number(a.general) || byAge(a.view, b.view))
    return first?.route
  }

  const readTls = (): TlsView => {
    const all = [...sources.values()]
      .flatMap(({ view, compiled, settings }) => (view && compiled && settings ? [{ view, compiled, settings }] : []))
      .sort((a, b) => byAge(a.view, b.view))
    const hosts = new Map<string, HostTls & { readonly ingress: string }>()
    const passthrough = new Map<string, BackendKey>()
    const clients = new Map<string, ClientCertificates>()
    for (const { view, compiled, settings } of all) {
      for (const each of compiled.tls) if (!hosts.has(each.host)) hosts.set(each.host, { ...each, ingress: view.key })
      for (const { host, backend } of compiled.passthrough)
        if (!passthrough.has(host)) passthrough.set(host, backend.key)
      const { clientCertificates } = settings
      if (clientCertificates)
        for (const { host } of view.rules) if (!clients.has(host)) clients.set(host, clientCertificates)
    }
    return {
      hosts: [...hosts.values()],
      passthrough: [...passthrough].map(([host, backend]) => ({ host, backend })),
      clients: [...clients].map(([host, certificates]) => ({ host, certificates })),
    }
  }

  return {
    readIngresses: (keys) => {
      const known = new Map([...classes.entries()].map(([name, each]) => [name, classView(each)]))
      for (const key of keys ?? everyIngress()) readIngress(key, known)
    },
    readOther: (name, sets, backends) => put(name, sets.length > 0 ? { backends } : undefined, sets),
    readServices: (keys) => {
      for (const key of [...keys].flatMap((service) => [...(byService.get(service) ?? [])])) {
        const known = uses.get(key)
        const now = known && resolve(known.ref)
        if (!known || !now || isDeepStrictEqual(now, known.current)) continue
        known.current = now
        changedBackends.set(key, now)
      }
    },
    flush: () => {
      const tables = book.flush()
      const elected = isFallbackStale ? electFallback() : fallback
      const isNewFallback = isFallbackStale && !isDeepStrictEqual(elected, fallback)
      const nowTls = isTlsStale ? readTls() : tls
      const isNewTls = isTlsStale && !isDeepStrictEqual(nowTls, tls)
      fallback = elected
      tls = nowTls
      isFallbackStale = false
      isTlsStale = false
      const update: RoutingUpdate = {
        tables,
        backends: [...changedBackends],
        ...(isNewFallback ? { fallback: { route: elected } } : {}),
        ...(isNewTls ? { tls: nowTls } : {}),
      }
      changedBackends.clear()
      return update
    },
    state: () => ({
      tables: book.tables(),
      fallback: { route: fallback },
      backends: [...uses].map(([key, { current }]) => [key, current] as const),
      tls,
    }),
    lookedAt: () => ({
      secrets: new Set(
        [...sources.values()].flatMap(({ settings, compiled }) => [
          ...(settings?.secrets ?? []),
          ...(compiled?.tls ?? []).flatMap(({ secret }) => secret ?? []),
        ]),
      ),
      configMaps: new Set([...sources.values()].flatMap(({ settings }) => settings?.configMaps ?? [])),
    }),
    readersOf: (kind, key) =>
      [...sources.values()].flatMap(({ view, settings }) => (view && settings?.[kind].includes(key) ? [view.key] : [])),
    problems: () => [
      ...[...unread].map(([ingress, message]) => ({ ingress, message })),
      ...[...sources.values()].flatMap(({ view, compiled, settings }) => [
        ...(compiled?.problems ?? []).map((message) => ({ ingress: view?.key ?? '', message })),
        ...(settings?.problems ?? []).map(({ key, value, reason }) => ({
          ingress: view?.key ?? '',
          message: `${key} "${value}": ${reason}`,
        })),
      ]),
      ...book
        .problems()
        .filter(({ origin }) => origin.kind === 'Ingress')
        .map(({ origin, message }) => ({ ingress: `${origin.namespace}/${origin.name}`, message })),
    ],
  }
}
