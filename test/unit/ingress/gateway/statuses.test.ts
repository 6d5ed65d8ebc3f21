/** What conditions say, after the scenarios of the Gateway API's conformance tests. */
import t from 'tap'
import type { Condition, Gateway, GatewayListener, GatewayObjectReference } from '../../../../src/api/types/index.ts'
import { compileGateways } from '../../../../src/proxy/ingress/gateway/compile.ts'
import type { Place, PlaceOf } from '../../../../src/proxy/ingress/gateway/places.ts'
import { resolveGateways } from '../../../../src/proxy/ingress/gateway/resolve.ts'
import { statusesOf } from '../../../../src/proxy/ingress/gateway/statuses.ts'
import {
  backendRef,
  gateway,
  gatewayClass,
  grant,
  path,
  type RouteSketch,
  route,
  rule,
  type WorldSketch,
  world,
} from '../../../support/gateway-objects.ts'

const now = '2026-02-01T00:00:00Z'

const judge = (sketch: WorldSketch, addresses: readonly string[] = ['10.0.0.1']) => {
  const around = world(sketch)
  return statusesOf(resolveGateways(around), around.routes, { addresses, now })
}

/** `Accepted=True/Accepted Programmed=…` */
const brief = (conditions: readonly Condition[] = []): string =>
  conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`).join(' ')

const tls = (...names: readonly string[]): Partial<GatewayListener> => ({
  protocol: 'HTTPS',
  port: 443,
  tls: { mode: 'Terminate', certificateRefs: names.map((name) => ({ name })) },
})

const oddTls = (more: NonNullable<GatewayListener['tls']>): Partial<GatewayListener> => {
  const { tls: settings, ...listener } = tls('c')
  return { ...listener, tls: { ...settings, ...more } }
}

const fine = 'Accepted=True/Accepted Programmed=True/Programmed'
const resolved = 'ResolvedRefs=True/ResolvedRefs Conflicted=False/NoConflicts'

type Frontend = NonNullable<NonNullable<NonNullable<Gateway['spec']>['tls']>['frontend']>

const trusts = (...refs: readonly GatewayObjectReference[]) => ({
  validation: { caCertificateRefs: refs.map((ref) => ({ kind: 'ConfigMap', ...ref })), mode: 'AllowValidOnly' },
})

const unguarded = (reason: string): string =>
  `Accepted=False/NoValidCACertificate Programmed=False/Invalid ResolvedRefs=False/${reason} Conflicted=False/NoConflicts`

const gatewayCases: readonly {
  readonly name: string
  readonly listeners: readonly Partial<GatewayListener>[]
  readonly world?: WorldSketch
  readonly frontend?: Frontend
  readonly gateway: string
  readonly expected: readonly string[]
  /** Kinds and attached routes by listener. */
  readonly kinds?: readonly number[]
}[] = [
  { name: 'all is well', listeners: [{}], gateway: fine, expected: [`${fine} ${resolved}`], kinds: [1] },
  {
    name: 'only unsupported protocols',
    listeners: [{ protocol: 'TCP', port: 9000 }],
    gateway: 'Accepted=False/ListenersNotValid Programmed=False/Invalid',
    expected: [`Accepted=False/UnsupportedProtocol Programmed=False/Invalid ${resolved}`],
    kinds: [0],
  },
  {
    name: 'one unsupported protocol of two',
    listeners: [{}, { protocol: 'x.io/odd', port: 9000 }],
    gateway: 'Accepted=True/ListenersNotValid Programmed=True/Programmed',
    expected: [`${fine} ${resolved}`, `Accepted=False/UnsupportedProtocol Programmed=False/Invalid ${resolved}`],
    kinds: [1, 0],
  },
  {
    name: 'listeners that cannot be told apart: none of them wins',
    listeners: [{}, tls('c'), { ...tls('c'), port: 80, hostname: 'a.lab' }],
    world: { secrets: { 'infra/c': 'ok' } },
    gateway: 'Accepted=True/ListenersNotValid Programmed=True/Programmed',
    expected: [
      'Accepted=False/Invalid Programmed=False/Invalid ResolvedRefs=True/ResolvedRefs Conflicted=True/ProtocolConflict',
      `${fine} ${resolved}`,
      'Accepted=False/Invalid Programmed=False/Invalid ResolvedRefs=True/ResolvedRefs Conflicted=True/ProtocolConflict',
    ],
  },
  {
    name: 'the same hostname twice',
    listeners: [{ hostname: 'a.lab' }, { hostname: 'A.lab' }, {}],
    gateway: 'Accepted=True/ListenersNotValid Programmed=True/Programmed',
    expected: [
      'Accepted=False/Invalid Programmed=False/Invalid ResolvedRefs=True/ResolvedRefs Conflicted=True/HostnameConflict',
      'Accepted=False/Invalid Programmed=False/Invalid ResolvedRefs=True/ResolvedRefs Conflicted=True/HostnameConflict',
      `${fine} ${resolved}`,
    ],
  },
  {
    name: 'only kinds of routes that are not known',
    listeners: [{ allowedRoutes: { kinds: [{ kind: 'GRPCRoute' }] } }],
    gateway: 'Accepted=True/Accepted Programmed=False/Invalid',
    expected: [
      'Accepted=True/Accepted Programmed=False/Invalid ResolvedRefs=False/InvalidRouteKinds Conflicted=False/NoConflicts',
    ],
    kinds: [0],
  },
  {
    name: 'one kind of routes that is not known',
    listeners: [{ allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }, { group: 'x.io', kind: 'Odd' }] } }],
    gateway: fine,
    expected: [`${fine} ResolvedRefs=False/InvalidRouteKinds Conflicted=False/NoConflicts`],
    kinds: [1],
  },
  ...(['missing', 'broken'] as const).map((state) => ({
    name: `a certificate is ${state}`,
    listeners: [tls('c')],
    world: { secrets: { 'infra/c': state } },
    gateway: 'Accepted=True/Accepted Programmed=False/Invalid',
    expected: [
      'Accepted=True/Accepted Programmed=False/Invalid ResolvedRefs=False/InvalidCertificateRef Conflicted=False/NoConflicts',
    ],
  })),
  {
    name: 'one certificate of two is missing',
    listeners: [tls('c', 'd')],
    world: { secrets: { 'infra/c': 'ok' } },
    gateway: fine,
    expected: [`${fine} ResolvedRefs=False/InvalidCertificateRef Conflicted=False/NoConflicts`],
  },
  {
    name: 'a certificate of another kind',
    listeners: [{ ...tls(), tls: { certificateRefs: [{ kind: 'ConfigMap', name: 'c' }] } }],
    gateway: 'Accepted=True/Accepted Programmed=False/Invalid',
    expected: [
      'Accepted=True/Accepted Programmed=False/Invalid ResolvedRefs=False/InvalidCertificateRef Conflicted=False/NoConflicts',
    ],
  },
  {
    name: 'a certificate of another namespace',
    listeners: [{ ...tls(), tls: { certificateRefs: [{ namespace: 'certs', name: 'c' }] } }],
    world: { secrets: { 'certs/c': 'ok' }, grants: [grant('certs', 'Gateway infra', 'Secret other')] },
    gateway: 'Accepted=True/Accepted Programmed=False/Invalid',
    expected: [
      'Accepted=True/Accepted Programmed=False/Invalid ResolvedRefs=False/RefNotPermitted Conflicted=False/NoConflicts',
    ],
  },
  {
    name: 'a certificate of another namespace, with a grant',
    listeners: [{ ...tls(), tls: { certificateRefs: [{ namespace: 'certs', name: 'c' }] } }],
    world: { secrets: { 'certs/c': 'ok' }, grants: [grant('certs', 'Gateway infra', 'Secret c')] },
    gateway: fine,
    expected: [`${fine} ${resolved}`],
  },
  {
    name: 'clients must show certificates: each port is for itself, and plain listeners are not concerned',
    listeners: [
      tls('c'),
      ...[{ port: 444 }, { port: 445 }, { port: 446 }, { port: 447 }].map((each) => ({ ...tls('c'), ...each })),
      {},
    ],
    frontend: {
      default: trusts({ name: 'ca' }),
      perPort: [
        { port: 444, tls: trusts({ name: 'gone' }) },
        { port: 445, tls: trusts({ kind: 'Service', name: 'ca' }) },
        { port: 446, tls: trusts({ namespace: 'certs', name: 'ca' }) },
        { port: 447, tls: {} },
        { port: 80, tls: trusts({ name: 'gone' }) },
      ],
    },
    world: { secrets: { 'infra/c': 'ok' }, authorities: { 'infra/ca': 'pem', 'certs/ca': 'pem' } },
    gateway: 'Accepted=True/ListenersNotValid Programmed=True/Programmed',
    expected: [
      `${fine} ${resolved}`,
      unguarded('InvalidCACertificateRef'),
      unguarded('InvalidCACertificateKind'),
      unguarded('RefNotPermitted'),
      `${fine} ${resolved}`,
      `${fine} ${resolved}`,
    ],
  },
  {
    name: 'one authority of two is missing, another one is of another namespace and permitted',
    listeners: [tls('c')],
    frontend: { default: trusts({ name: 'gone' }, { namespace: 'certs', name: 'ca' }) },
    world: {
      ...{ secrets: { 'infra/c': 'ok' }, authorities: { 'certs/ca': 'pem' } },
      grants: [grant('certs', 'Gateway infra', 'ConfigMap ca')],
    },
    gateway: fine,
    expected: [`${fine} ResolvedRefs=False/InvalidCACertificateRef Conflicted=False/NoConflicts`],
  },
  {
    name: 'clients without a good certificate come in, which is said',
    listeners: [tls('c')],
    frontend: {
      default: {
        validation: { caCertificateRefs: [{ kind: 'ConfigMap', name: 'ca' }], mode: 'AllowInsecureFallback' },
      },
    },
    world: { secrets: { 'infra/c': 'ok' }, authorities: { 'infra/ca': 'pem' } },
    gateway: `${fine} InsecureFrontendValidationMode=True/ConfigurationChanged`,
    expected: [`${fine} ${resolved}`],
  },
  ...(
    [
      ['a mode that is not known', tls('c'), { validation: { caCertificateRefs: [{ name: 'ca' }], mode: 'Odd' } }],
      ['the old place of what clients must show', oddTls({ frontendValidation: { caCertificateRefs: [] } }), {}],
      ['an option that may guard something', oddTls({ options: { 'x.io/min-version': '1.3' } }), {}],
    ] as const
  ).map(([name, listener, common]) => ({
    ...{ name, listeners: [listener], frontend: { default: common } },
    world: { secrets: { 'infra/c': 'ok' as const }, authorities: { 'infra/ca': 'pem' } },
    gateway: 'Accepted=False/ListenersNotValid Programmed=False/Invalid',
    expected: [`Accepted=False/UnsupportedValue Programmed=False/Invalid ${resolved}`],
  })),
  {
    name: 'certificates for hostnames that overlap',
    listeners: [
      { ...tls('c'), hostname: '*.a.lab' },
      { ...tls('c'), hostname: 'b.a.lab' },
    ],
    world: { secrets: { 'infra/c': 'ok' } },
    gateway: fine,
    expected: [
      `${fine} ${resolved} OverlappingTLSConfig=True/OverlappingHostnames`,
      `${fine} ${resolved} OverlappingTLSConfig=True/OverlappingHostnames`,
    ],
  },
]

for (const { name, listeners, world: around = {}, frontend, gateway: whole, expected, kinds } of gatewayCases)
  t.test(`Gateway: ${name}`, async (t) => {
    const [found] = judge({
      ...around,
      gateways: [gateway({ listeners, generation: 4, ...(frontend ? { tls: { frontend } } : {}) })],
    }).gateways
    t.equal(brief(found?.status.conditions), whole)
    t.same(
      found?.status.listeners?.map(({ conditions }) => brief(conditions)),
      expected,
    )
    if (kinds)
      t.same(
        found?.status.listeners?.map(({ supportedKinds }) => supportedKinds?.length),
        kinds,
      )
    const all = [
      ...(found?.status.conditions ?? []),
      ...(found?.status.listeners ?? []).flatMap((each) => each.conditions),
    ]
    t.ok(
      all.every(({ observedGeneration }) => observedGeneration === 4),
      'of this generation',
    )
  })

t.test('addresses: those of the nodes, or which of them are asked for', async (t) => {
  const ours = ['10.0.0.1', '10.0.0.2']
  const addressesOf = (values: readonly (string | undefined)[], available = ours) => {
    const asked = values.map((value) => (value === undefined ? {} : { value }))
    const { status } = judge({ gateways: [gateway({ addresses: asked })] }, available).gateways[0] ?? {}
    return [status?.addresses?.map(({ value }) => value), brief(status?.conditions?.slice(1))]
  }
  t.same(addressesOf([]), [ours, 'Programmed=True/Programmed'])
  t.same(addressesOf([undefined]), [ours, 'Programmed=True/Programmed'])
  t.same(addressesOf(['10.0.0.2', '10.9.9.9']), [['10.0.0.2'], 'Programmed=False/AddressNotUsable'])
  t.same(addressesOf(['10.0.0.2']), [['10.0.0.2'], 'Programmed=True/Programmed'])
  t.same(addressesOf(['10.9.9.9']), [[], 'Programmed=False/AddressNotUsable'])
  t.same(addressesOf([], []), [[], 'Programmed=False/AddressNotAssigned'])
  const strange = judge({ gateways: [gateway({ addresses: [{ type: 'Hostname', value: 'a.lab' }] })] })
  t.equal(brief(strange.gateways[0]?.status.conditions?.slice(0, 1)), 'Accepted=False/UnsupportedAddress')
})

t.test('a port is what the oldest Gateway makes of it', async (t) => {
  const young = gateway({ name: 'a', created: '2026-03-01T00:00:00Z', listeners: [{ ...tls('c'), port: 80 }] })
  const around = { gateways: [young, gateway({ name: 'b' })], secrets: { 'infra/c': 'ok' as const } }
  const [first, second] = judge(around).gateways
  t.equal(first?.object.metadata.name, 'b')
  t.match(
    brief(second?.status.listeners?.[0]?.conditions),
    /^Accepted=False\/Invalid .* Conflicted=True\/ProtocolConflict$/,
  )
  t.equal(brief(second?.status.conditions), 'Accepted=False/ListenersNotValid Programmed=False/Invalid')
  t.same(
    compileGateways(world(around)).listeners.map(({ port, tls }) => [port, tls]),
    [[80, false]],
  )
})

/** Gateways `a`, `b` and so on, one younger than the other, and whose listener on port 80 has been refused. */
const losers = (
  all: readonly { readonly addresses?: readonly string[]; readonly hostname?: string; readonly port?: number }[],
  place?: PlaceOf,
): readonly string[] => {
  const gateways = all.map(({ addresses, hostname, port = 80 }, at) =>
    gateway({
      name: 'abcdef'[at] ?? '',
      created: `2026-01-0${at + 1}T00:00:00Z`,
      listeners: [{ port, ...(hostname === undefined ? {} : { hostname }) }],
      ...(addresses ? { addresses: addresses.map((value) => ({ value })) } : {}),
    }),
  )
  const around = { gateways, ...(place ? { place } : {}) }
  return judge(around, ['10.0.0.1', '10.0.0.2']).gateways.flatMap(({ object, status }) => {
    const text = brief(status.listeners?.[0]?.conditions)
    return text.endsWith('Conflicted=True/HostnameConflict') ? [object.metadata.name] : []
  })
}

t.test('of two Gateways that share a port and a hostname the oldest is served', async (t) => {
  t.same(losers([{}, {}, {}]), ['b', 'c'])
  t.same(losers([{ hostname: 'a.lab' }, { hostname: 'A.lab' }, { hostname: '*.lab' }, {}]), ['b'])
  t.same(losers([{}, { port: 81 }]), [])
  t.same(losers([{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'] }, {}]), ['c'], 'at other addresses')
  t.same(losers([{ addresses: ['10.0.0.1', '10.0.0.2'] }, { addresses: ['10.0.0.2'] }]), ['b'])
  t.same(losers([{}, { addresses: ['10.0.0.2'] }]), ['b'], 'which all addresses are, too')
  t.same(losers([{ addresses: [''] }, {}]), ['b'], 'and any')
  const own: PlaceOf = ({ metadata }) => ({ kind: 'own', addresses: [`192.0.2.${metadata.name.charCodeAt(0)}`] })
  t.same(losers([{}, {}, {}], own), [], 'each with an address of its own')
})

t.test('addresses out of a pool: those that it gave, and what it could not', async (t) => {
  const at = (place: Place) => {
    const { status } = judge({ place: () => place }, ['10.0.0.1']).gateways[0] ?? {}
    return [status?.addresses?.map(({ value }) => value), brief(status?.conditions?.slice(1))]
  }
  t.same(at({ kind: 'own', addresses: ['192.0.2.1'] }), [['192.0.2.1'], 'Programmed=True/Programmed'])
  const problem = { reason: 'AddressNotUsable', message: 'no' }
  t.same(at({ kind: 'own', addresses: ['192.0.2.1'], problem }), [['192.0.2.1'], 'Programmed=False/AddressNotUsable'])
})

const parents = (...refs: NonNullable<RouteSketch['parents']>): RouteSketch => ({ parents: refs })

const routeCases: readonly {
  readonly name: string
  readonly route: RouteSketch
  readonly listeners?: readonly Partial<GatewayListener>[]
  readonly world?: WorldSketch
  readonly expected: readonly string[]
  readonly attached?: readonly number[]
}[] = [
  {
    name: 'all is well',
    route: {},
    expected: ['Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs'],
    attached: [1],
  },
  {
    name: 'no such section, no such port',
    route: parents({ name: 'gw', sectionName: 'nothing' }, { name: 'gw', port: 81 }),
    expected: [
      'Accepted=False/NoMatchingParent ResolvedRefs=True/ResolvedRefs',
      'Accepted=False/NoMatchingParent ResolvedRefs=True/ResolvedRefs',
    ],
    attached: [0],
  },
  {
    name: 'sections and ports',
    route: parents({ name: 'gw', sectionName: 'l0' }, { name: 'gw', port: 81 }),
    listeners: [{}, { port: 81 }, { port: 82 }],
    expected: [
      'Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs',
      'Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs',
    ],
    attached: [1, 1, 0],
  },
  {
    name: 'another namespace than that of the Gateway',
    route: { namespace: 'apps' },
    listeners: [{ allowedRoutes: { namespaces: { from: 'Same' } } }],
    expected: ['Accepted=False/NotAllowedByListeners ResolvedRefs=True/ResolvedRefs'],
    attached: [0],
  },
  {
    name: 'namespaces by their labels',
    route: { namespace: 'apps' },
    listeners: [
      { allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'apps' } } } } },
      { port: 81, allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'x' } } } } },
    ],
    world: { labels: { apps: { team: 'apps' } } },
    expected: ['Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs'],
    attached: [1, 0],
  },
  {
    name: 'a kind that the listener does not take',
    route: {},
    listeners: [{ allowedRoutes: { kinds: [{ kind: 'TLSRoute' }] } }],
    expected: ['Accepted=False/NotAllowedByListeners ResolvedRefs=True/ResolvedRefs'],
    attached: [0],
  },
  {
    name: 'no hostname in common',
    route: { hostnames: ['b.lab', 'a.lab.com'] },
    listeners: [{ hostname: '*.a.lab' }],
    expected: ['Accepted=False/NoMatchingListenerHostname ResolvedRefs=True/ResolvedRefs'],
    attached: [0],
  },
  {
    name: 'a backend that does not exist',
    route: {},
    world: { missing: ['infra/web'] },
    expected: ['Accepted=True/Accepted ResolvedRefs=False/BackendNotFound'],
    attached: [1],
  },
  {
    name: 'a backend of another kind',
    route: { rules: [{ backendRefs: [backendRef('x', { kind: 'Odd' })] }] },
    expected: ['Accepted=True/Accepted ResolvedRefs=False/InvalidKind'],
  },
  {
    name: 'a backend of another namespace, even without weight',
    route: { rules: [{ backendRefs: [backendRef('web'), backendRef('x', { namespace: 'apps', weight: 0 })] }] },
    expected: ['Accepted=True/Accepted ResolvedRefs=False/RefNotPermitted'],
  },
  {
    name: 'a mirror that leads nowhere',
    route: {
      rules: [
        rule('web', [], [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'gone', port: 8080 } } }]),
      ],
    },
    world: { missing: ['infra/gone'] },
    expected: ['Accepted=True/Accepted ResolvedRefs=False/BackendNotFound'],
  },
  {
    name: 'rules that are beyond this proxy, all of them',
    route: { rules: [rule('web', [path('~(')])] },
    expected: ['Accepted=False/UnsupportedValue ResolvedRefs=True/ResolvedRefs'],
    attached: [0],
  },
  {
    name: 'rules that are beyond this proxy, some of them',
    route: { rules: [rule('web', [], [{ type: 'ExternalAuth' }]), rule('web')] },
    expected: ['Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs PartiallyInvalid=True/UnsupportedValue'],
    attached: [1],
  },
  {
    name: 'a listener without its certificate has routes all the same',
    route: {},
    listeners: [tls('gone')],
    expected: ['Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs'],
    attached: [1],
  },
  {
    name: 'parents that are not ours are not talked about',
    route: parents({ name: 'other' }, { kind: 'Service', group: '', name: 'gw' }, { name: 'gw' }),
    expected: ['Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs'],
  },
]

for (const { name, route: sketch, listeners = [{}], world: around = {}, expected, attached } of routeCases)
  t.test(`HTTPRoute: ${name}`, async (t) => {
    const found = judge({
      ...around,
      gateways: [gateway({ listeners })],
      routes: [route({ generation: 7, ...sketch })],
    })
    const all = found.routes[0]?.status.parents ?? []
    t.same(
      all.map(({ conditions }) => brief(conditions)),
      expected,
    )
    t.ok(all.every(({ conditions }) => conditions.every((each) => each.observedGeneration === 7)))
    if (attached)
      t.same(
        found.gateways[0]?.status.listeners?.map(({ attachedRoutes }) => attachedRoutes),
        attached,
      )
  })

t.test('times stay while a status stays, and others keep their entries', async (t) => {
  const before = '2026-01-15T00:00:00Z'
  const old = (type: string, status: 'True' | 'False'): Condition => ({
    ...{ type, status, reason: 'Old', message: '', lastTransitionTime: before, observedGeneration: 1 },
  })
  const foreign = { parentRef: { name: 'gw' }, controllerName: 'x.io/y', conditions: [old('Accepted', 'False')] }
  const own = {
    parentRef: { namespace: 'infra', name: 'gw' },
    controllerName: 'podway.dev/gateway',
    conditions: [old('Accepted', 'True'), old('ResolvedRefs', 'False'), old('PartiallyInvalid', 'True')],
  }
  const gone = { ...own, parentRef: { name: 'gone' } }
  const found = judge({
    gateways: [gateway({ status: { conditions: [old('Accepted', 'True'), old('x.io/Foreign', 'True')] } })],
    routes: [route({ generation: 2, status: { parents: [foreign, gone, own] } })],
  })
  const [ours, theirs, ...rest] = found.routes[0]?.status.parents ?? []
  t.same(
    ours?.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    [
      ['Accepted', before],
      ['ResolvedRefs', now],
    ],
  )
  t.same(theirs, foreign)
  t.same(rest, [], 'entries of ours for parents that are no more are gone')
  t.same(
    found.gateways[0]?.status.conditions?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    [
      ['Accepted', before],
      ['Programmed', now],
      ['x.io/Foreign', before],
    ],
  )
})

t.test('what is no longer ours is let go', async (t) => {
  const mine = { parentRef: { name: 'gw' }, controllerName: 'podway.dev/gateway', conditions: [] }
  const left = route({ parents: [{ name: 'elsewhere' }], status: { parents: [mine] } })
  t.same(judge({ routes: [left] }).routes[0]?.status.parents, [])
  t.same(judge({ routes: [route({ parents: [{ name: 'elsewhere' }] })] }).routes, [])
})

t.test('classes', async (t) => {
  const parametersRef = { group: '', kind: 'ConfigMap', name: 'x' }
  const strange = { ...gatewayClass('strange'), spec: { controllerName: 'podway.dev/gateway', parametersRef } }
  const found = judge({
    classes: [gatewayClass(), gatewayClass('other', 'x.io/y'), strange],
    gateways: [gateway({ className: 'other' }), gateway({ name: 'b', className: 'strange' })],
  })
  t.same(
    found.classes.map(({ object, status }) => [object.metadata.name, brief(status.conditions)]),
    [
      ['podway', 'Accepted=True/Accepted'],
      ['strange', 'Accepted=False/InvalidParameters'],
    ],
  )
  t.same(found.gateways, [])
})

t.test('no status is larger than it may be', async (t) => {
  const nodes = Array.from({ length: 20 }, (_, at) => `10.0.0.${at + 1}`)
  t.equal(judge({ gateways: [gateway()] }, nodes).gateways[0]?.status.addresses?.length, 16)

  const foreign = { parentRef: { name: 'x' }, controllerName: 'x.io/y', conditions: [] }
  const parents = Array.from({ length: 32 }, (_, at) => ({ name: 'gw', sectionName: `s${at}` }))
  const [found] = judge({ gateways: [gateway()], routes: [route({ parents, status: { parents: [foreign] } })] }).routes
  t.equal(found?.status.parents.length, 32)
  t.strictSame(found?.status.parents.at(-1), foreign, 'that of another controller stays')
})
