/**
 * Whatever stands in any field of an object: reading it never throws, what is written is one message with the fields that
 * were meant, and the hosts of others are served as ever.
 */
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type {
  ConfigMap,
  EndpointSlice,
  Gateway,
  HTTPRoute,
  Ingress,
  KubeObject,
  Secret,
  Service,
} from '../../../src/api/types/index.ts'
import { readAnnotations } from '../../../src/proxy/ingress/annotations/read.ts'
import { createCertificates } from '../../../src/proxy/ingress/certificates.ts'
import { routingOf as gatewayRouting } from '../../../src/proxy/ingress/gateway/compile.ts'
import { resolveGateways } from '../../../src/proxy/ingress/gateway/resolve.ts'
import { statusesOf } from '../../../src/proxy/ingress/gateway/statuses.ts'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { parseRequestHead } from '../../../src/proxy/ingress/http/request-head.ts'
import { lintIngresses } from '../../../src/proxy/ingress/lint/lint.ts'
import { statusPage } from '../../../src/proxy/ingress/operation/status-page.ts'
import { resolveBackend } from '../../../src/proxy/ingress/routes/endpoints.ts'
import { emptyTable, match, type RouteTable, setHost } from '../../../src/proxy/ingress/routes/match.ts'
import { backendRef, ingressView } from '../../../src/proxy/ingress/routes/model.ts'
import { compileHost } from '../../../src/proxy/ingress/routes/paths.ts'
import { createRouting, type RoutingUpdate } from '../../../src/proxy/ingress/routes/routing.ts'
import { readStreamLine } from '../../../src/proxy/ingress/stream-services.ts'
import { createFedInformer } from '../../support/fed-informer.ts'
import { gateway, route, rule, world } from '../../support/gateway-objects.ts'
import {
  attacks,
  type HostileVariant,
  hostileSamples,
  hostileVariants,
  messageAttacks,
} from '../../support/hostile-objects.ts'
import { byService, ingress, ingressClass, path, service, slice } from '../../support/ingress-objects.ts'
import { rounds } from '../../support/rounds.ts'
import { routeFault, routesIn } from '../../support/route-bytes.ts'
import { type Trial, tryVariants } from '../../support/try-variants.ts'
import { annotationCases } from './annotations/cases.ts'
import { lookup, prefixed } from './annotations/support.ts'

// Thousands of objects, on machines that are busy with other things, too.
t.setTimeout(300_000)

const tried = { ...attacks, ...messageAttacks }
const good = ingress({
  name: 'good',
  created: '2020-01-01T00:00:00Z',
  rules: { 'good.lab': [path('prefix:/', 'web')] },
})
const question = parseRequestHead('GET /x HTTP/1.1\r\nHost: good.lab\r\n\r\n', defaultLimits)

const tableOf = ({ tables, fallback }: RoutingUpdate): RouteTable => {
  const table = emptyTable()
  for (const { entry, hosts } of tables)
    if (entry === 'http') for (const [host, paths] of hosts) setHost(table, host, paths)
  table.fallback = fallback?.route
  return table
}

const trial = (atLeast: number): Trial => ({ stride: rounds(13, 1), atLeast })

const routing = (ingresses: readonly Ingress[]) => {
  const made = createRouting(
    {
      ingresses: createFedInformer(ingresses),
      classes: createFedInformer([ingressClass('podway', undefined, true)]),
      services: createFedInformer([service('web')]),
      slices: createFedInformer([slice({ service: 'web', addresses: { '10.1.0.2': {} } })], { service: byService }),
    },
    ({ key, annotations }) => readAnnotations({ namespace: key.split('/')[0] ?? '', annotations }, lookup),
  )
  made.readIngresses()
  made.flush()
  return made
}

const soundRoute = match(tableOf(routing([good]).state()), question)

const ingressFault = async (hostile: Ingress): Promise<string | undefined> => {
  const made = routing([good, hostile])
  const mistake = made.problems().find(({ message }) => message.includes('internal error'))
  if (mistake) return mistake.message
  const state = made.state()
  if (!isDeepStrictEqual(match(tableOf(state), question), soundRoute)) return 'the other host is not served as before'
  for (const [, paths] of state.tables.filter(({ entry }) => entry === 'http').flatMap(({ hosts }) => hosts))
    for (const each of paths ? routesIn(paths) : []) {
      const fault = await routeFault(each)
      if (fault !== undefined) return fault
    }
  createCertificates(() => undefined).configure(state.tls ?? { hosts: [], passthrough: [], clients: [] }, fallback)
  lintIngresses([good, hostile], { lookup, isComplete: true })
  const page = statusPage({ ...{ node: 'n', series: [], connections: 0 }, state, problems: made.problems() })
  return page.includes('<script') ? 'a script in the status page' : undefined
}

const fallback = { certificate: 'c', key: 'k' }

const sample = {
  ...ingress({
    name: 'odd',
    className: 'podway',
    annotations: { [prefixed('use-regex')]: 'true', [prefixed('rewrite-target')]: '/$2' },
    defaultBackend: { service: { name: 'web', port: { number: 80 } } },
    rules: {
      'a.lab': [path('prefix:/app', 'web'), path('exact:/exact', 'web', 'http'), path('any:/x(/|$)(.*)', 'web')],
      '*.b.lab': [path('prefix:/', 'web')],
    },
    tls: [{ hosts: ['a.lab'], secretName: 'pair' }],
  }),
}

/** Those that make a difference to what the proxy reads. */
function* different<T>(variants: Iterable<HostileVariant>, view: (object: T) => unknown, sound: T) {
  const before = view(sound)
  for (const variant of variants) {
    const object = variant.object as T
    if (!isDeepStrictEqual(view(object), before)) yield variant
  }
}

t.test('Ingress: every field', { timeout: 300_000 }, async (t) => {
  const variants = hostileVariants('Ingress', sample, { ...tried, 'a script': (value) => `${value}<script>x</script>` })
  const all = different<Ingress>(variants, ingressView, sample)
  await tryVariants(t, all, trial(500), ({ object }) => ingressFault(object as Ingress))
})

/** Only the value of one annotation is attacked: what else there may be was tried above. */
function* annotationVariants(): Generator<HostileVariant> {
  for (const [key, { right, beside = {} }] of Object.entries(annotationCases)) {
    const annotations = Object.fromEntries(
      Object.entries({ ...beside, [key]: right }).map(([each, value]) => [prefixed(each), value]),
    )
    for (const [attack, change] of Object.entries(tried)) {
      const object = ingress({
        ...{ name: 'odd', annotations: { ...annotations, [prefixed(key)]: change(right) } },
        rules: { 'a.lab': [path('any:/', 'web')] },
      })
      yield { kind: 'Ingress', path: key, attack, object }
    }
  }
}

t.test('Ingress: every annotation', { timeout: 300_000 }, async (t) => {
  await tryVariants(t, annotationVariants(), trial(4_000), ({ object }) => ingressFault(object as Ingress))
})

const httpRoute = route({
  name: 'odd',
  created: '2026-01-01T00:00:00Z',
  hostnames: ['a.lab', '*.b.lab'],
  rules: [
    rule(
      'web',
      [
        {
          path: { type: 'PathPrefix', value: '/app' },
          method: 'GET',
          headers: [{ type: 'RegularExpression', name: 'X-Version', value: 'v[0-9]+' }],
          queryParams: [{ type: 'Exact', name: 'q', value: '1' }],
        },
        { path: { type: 'RegularExpression', value: '/x/[a-z]+' } },
        { path: { type: 'Exact', value: '/exact' } },
      ],
      [
        {
          type: 'RequestHeaderModifier',
          requestHeaderModifier: {
            set: [{ name: 'X-A', value: 'a' }],
            add: [{ name: 'X-B', value: 'b' }],
            remove: ['X-C'],
          },
        },
        {
          type: 'ResponseHeaderModifier',
          responseHeaderModifier: {
            set: [{ name: 'X-D', value: 'd' }],
            add: [{ name: 'X-E', value: 'e' }],
            remove: ['X-F'],
          },
        },
        {
          type: 'URLRewrite',
          urlRewrite: { hostname: 'inner.lab', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } },
        },
        {
          type: 'CORS',
          cors: {
            allowOrigins: ['https://*.b.lab', 'https://b.lab'],
            allowMethods: ['PUT'],
            allowHeaders: ['x-a'],
            exposeHeaders: ['x-b'],
            allowCredentials: true,
            maxAge: 5,
          },
        },
      ],
    ),
    rule(
      undefined,
      [{ path: { type: 'PathPrefix', value: '/old' } }],
      [
        {
          type: 'RequestRedirect',
          requestRedirect: {
            scheme: 'https',
            hostname: 'new.lab',
            statusCode: 301,
            path: { type: 'ReplaceFullPath', replaceFullPath: '/new' },
          },
        },
      ],
    ),
  ],
})
const odd = gateway({
  name: 'odd',
  created: '2026-01-01T00:00:00Z',
  listeners: [{ name: 'web', port: 8080, hostname: '*.b.lab' }],
})
const soundGateways = [gateway({ created: '2020-01-01T00:00:00Z' })]
const soundRoutes = [route({ created: '2020-01-01T00:00:00Z', hostnames: ['good.lab'] })]
const surroundings = { addresses: ['10.0.0.1'], now: '2026-01-01T00:00:00Z' }

const gatewayFault = async (
  gateways: readonly Gateway[],
  routes: readonly HTTPRoute[],
): Promise<string | undefined> => {
  const resolution = resolveGateways(world({ gateways, routes }))
  statusesOf(resolution, routes, surroundings)
  const { listeners } = gatewayRouting(resolution, () => true)
  const served = listeners.find(({ port }) => port === 80)?.rules.filter(({ host }) => host === 'good.lab') ?? []
  if (served.length !== 1 || served[0]?.route.policy.blocked) return 'the other route is not served as before'
  for (const { rules } of listeners)
    for (const [host, said] of Map.groupBy(rules, (each) => each.host))
      for (const each of routesIn(compileHost(host, said, false).paths)) {
        const fault = await routeFault(each)
        if (fault !== undefined) return fault
      }
  const messages = resolution.routes.flatMap(({ compiled }) => compiled.unsupported.map(({ message }) => message))
  return messages.find((message) => message.includes('internal error'))
}

t.test('HTTPRoute: every field', { timeout: 300_000 }, async (t) => {
  const variants = different<HTTPRoute>(hostileVariants('HTTPRoute', httpRoute, tried), ({ spec }) => spec, httpRoute)
  await tryVariants(t, variants, trial(2_000), ({ object }) =>
    gatewayFault(soundGateways, [...soundRoutes, object as HTTPRoute]),
  )
})

t.test('Gateway: every field', { timeout: 300_000 }, async (t) => {
  const attached = route({ name: 'attached', hostnames: ['x.b.lab'], parents: [{ name: 'odd', namespace: 'infra' }] })
  const variants = different<Gateway>(hostileVariants('Gateway', odd, tried), ({ spec }) => spec, odd)
  await tryVariants(t, variants, trial(300), ({ object }) =>
    gatewayFault([...soundGateways, object as Gateway], [...soundRoutes, attached]),
  )
})

t.test(
  'Service and EndpointSlice: what stands behind a backend is an address, or a name that is asked for',
  async (t) => {
    const { Service: web, EndpointSlice: slices } = hostileSamples
    const external = { ...web, spec: { ...web.spec, type: 'ExternalName', externalName: 'web.example' } }
    const faultIn = (of: object, from: object): string | undefined => {
      for (const port of [80, 'http', 0]) {
        const found = resolveBackend(backendRef('hostile/web', port), of as Service, [from as EndpointSlice])
        const wrong = found.endpoints.find(
          ({ address, port: at }) =>
            !/^[A-Za-z0-9._:-]*$/.test(address) || !Number.isInteger(at) || at < 1 || at > 65_535,
        )
        if (wrong) return `the endpoint ${JSON.stringify(wrong).slice(0, 200)}`
      }
      return undefined
    }
    await tryVariants(t, hostileVariants('Service', web, tried), trial(1_000), ({ object }) => faultIn(object, slices))
    await tryVariants(t, hostileVariants('Service', external, tried), trial(1_000), ({ object }) =>
      faultIn(object, slices),
    )
    await tryVariants(t, hostileVariants('EndpointSlice', slices, tried), trial(500), ({ object }) =>
      faultIn(web, object),
    )
  },
)

const objectData = (object: KubeObject & { readonly data?: Readonly<Record<string, string>> }, key: string) =>
  `${object.metadata.namespace}/${object.metadata.name}` === key ? object.data : undefined

t.test('Secret and ConfigMap: what Ingresses read of them', { timeout: 300_000 }, async (t) => {
  const metadata = { name: 'data', namespace: 'default' }
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    data: { auth: 'ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'tls.crt': 'c', 'tls.key': 'k', 'ca.crt': 'c' },
  }
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: { 'X-Lab': 'yes', '9000': 'default/web:80' },
  }
  const annotations = (more: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(more).map(([key, value]) => [prefixed(key), value]))
  const faultIn = async (
    found: (kind: 'secret' | 'configMap', key: string) => Readonly<Record<string, string>> | undefined,
  ) => {
    const made = createRouting(
      {
        ingresses: createFedInformer([
          good,
          ingress({
            name: 'auth',
            rules: { 'a.lab': [path('prefix:/', 'web')] },
            annotations: annotations({ 'auth-type': 'basic', 'auth-secret': 'data' }),
          }),
          ingress({
            name: 'map',
            rules: { 'b.lab': [path('prefix:/', 'web')] },
            annotations: annotations({ 'auth-type': 'basic', 'auth-secret': 'data', 'auth-secret-type': 'auth-map' }),
          }),
          ingress({
            name: 'fields',
            rules: { 'c.lab': [path('prefix:/', 'web')] },
            annotations: annotations({ 'custom-headers': 'data', 'proxy-set-headers': 'data' }),
          }),
          ingress({
            name: 'tls',
            rules: { 'd.lab': [path('prefix:/', 'web')] },
            annotations: annotations({ 'auth-tls-secret': 'data' }),
            tls: [{ hosts: ['d.lab'], secretName: 'data' }],
          }),
        ]),
        classes: createFedInformer([ingressClass('podway', undefined, true)]),
        services: createFedInformer([service('web')]),
        slices: createFedInformer([], { service: byService }),
      },
      ({ key, annotations: written }) =>
        readAnnotations(
          { namespace: key.split('/')[0] ?? '', annotations: written },
          { secret: (name) => found('secret', name), configMap: (name) => found('configMap', name) },
        ),
    )
    made.readIngresses()
    made.flush()
    const mistake = made.problems().find(({ message }) => message.includes('internal error'))
    if (mistake) return mistake.message
    const state = made.state()
    if (!match(tableOf(state), question)) return 'the other host is not served'
    createCertificates((name) => found('secret', name)).configure(
      state.tls ?? { hosts: [], passthrough: [], clients: [] },
      fallback,
    )
    for (const [, paths] of state.tables.flatMap(({ hosts }) => hosts))
      for (const each of paths ? routesIn(paths) : []) {
        const fault = await routeFault(each)
        if (fault !== undefined) return fault
      }
    return undefined
  }
  await tryVariants(t, hostileVariants('Secret', secret, tried), trial(500), ({ object }) =>
    faultIn((kind, key) => (kind === 'secret' ? objectData(object as Secret, key) : configMap.data)),
  )
  await tryVariants(t, hostileVariants('ConfigMap', configMap, tried), trial(500), ({ object }) => {
    for (const [key, value] of Object.entries((object as ConfigMap).data ?? {})) {
      const line = readStreamLine(key, value)
      if (typeof line !== 'string' && !/^[a-z0-9.-]+\/[a-z0-9.-]+$/.test(line.service))
        return `the line ${line.service}`
    }
    return faultIn((kind, key) => (kind === 'configMap' ? objectData(object as ConfigMap, key) : secret.data))
  })
})
