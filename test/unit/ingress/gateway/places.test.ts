/** At which addresses Gateways are served, and that they are served at no others. */
import t from 'tap'
import type { Gateway } from '../../../../src/api/types/index.ts'
import { compileGateways } from '../../../../src/proxy/ingress/gateway/compile.ts'
import { meet, placeInStatus, sharedPlace, wishesOf } from '../../../../src/proxy/ingress/gateway/places.ts'
import { createRouteBook } from '../../../../src/proxy/ingress/routes/book.ts'
import { emptyTable, match, setHost } from '../../../../src/proxy/ingress/routes/match.ts'
import { gateway, route, rule, type WorldSketch, world } from '../../../support/gateway-objects.ts'

const asking = (...addresses: readonly { readonly type?: string; readonly value?: string }[]): Gateway =>
  gateway({ addresses })

t.test('what a Gateway asks for', async (t) => {
  t.same(wishesOf(gateway()), [undefined])
  t.same(wishesOf(asking({}, { value: '' })), [undefined, undefined])
  t.same(wishesOf(asking({ value: '2001:DB8:0::1' }, { type: 'Hostname', value: 'a.lab' }, { value: '2001:db8::1' })), [
    '2001:db8::1',
  ])
  t.same(sharedPlace(gateway()), { kind: 'shared', only: undefined })
  t.same(sharedPlace(asking({ value: '10.0.0.1' }, {})), { kind: 'shared', only: undefined })
  t.same(sharedPlace(asking({ value: '10.0.0.1' })), { kind: 'shared', only: ['10.0.0.1'] })
})

t.test('what a status says counts for addresses of the pool alone', async (t) => {
  const inPool = placeInStatus((address) => address.startsWith('192.0.2.'))
  const said = (...values: readonly { readonly type?: string; readonly value?: string }[]) =>
    inPool(gateway({ status: { addresses: values } }))
  t.same(inPool(gateway()), { kind: 'own', addresses: [] }, 'nothing yet: not served')
  t.same(
    said({ type: 'IPAddress', value: '192.0.2.1' }, { value: '10.0.0.1' }, { type: 'Hostname', value: '192.0.2.2' }),
    {
      ...{ kind: 'own', addresses: ['192.0.2.1'] },
    },
  )
})

t.test('which places meet', async (t) => {
  const own = (...addresses: readonly string[]) => ({ kind: 'own', addresses }) as const
  const shared = (...only: readonly string[]) => ({ kind: 'shared', only: only.length > 0 ? only : undefined }) as const
  for (const [a, b, wanted] of [
    [shared(), shared(), true],
    [shared(), shared('10.0.0.1'), true],
    [shared('10.0.0.1'), shared('10.0.0.2'), false],
    [shared('10.0.0.1', '10.0.0.2'), shared('10.0.0.2'), true],
    [own('192.0.2.1'), own('192.0.2.2'), false],
    [own('192.0.2.1'), own('192.0.2.2', '192.0.2.1'), true],
    [own(), own(), false],
    [own('10.0.0.1'), shared(), false],
  ] as const)
    t.same([meet(a, b), meet(b, a)], [wanted, wanted], JSON.stringify([a, b]))
})

/** `address:port` of what is listened on (`*` for wherever the proxy does), with the Services that rules lead to. */
const served = (sketch: WorldSketch, local: readonly string[] = []): readonly string[] =>
  compileGateways(world(sketch), (address) => local.includes(address)).listeners.map(
    ({ address, port, rules }) =>
      `${address ?? '*'}:${port} ${rules
        .map((each) => each.route.origin.service)
        .sort()
        .join()}`,
  )

const two: WorldSketch = {
  gateways: ['a', 'b'].map((name) => gateway({ name })),
  routes: ['a', 'b'].map((name) => route({ name, parents: [{ name }], rules: [rule(name)] })),
}

t.test('each Gateway at addresses of its own', async (t) => {
  t.same(served(two), ['*:80 a'], 'without any, the second one is not served')
  t.same(served({ ...two, place: ({ metadata }) => ({ kind: 'own', addresses: [`192.0.2.${metadata.name}`] }) }), [
    '192.0.2.a:80 a',
    '192.0.2.b:80 b',
  ])
  t.same(
    served({ ...two, place: () => ({ kind: 'own', addresses: ['192.0.2.1'] }) }),
    ['192.0.2.1:80 a'],
    'of one address',
  )
  t.same(served({ ...two, place: () => ({ kind: 'own', addresses: [] }) }), [], 'nowhere')
  t.same(
    served({
      ...two,
      place: ({ metadata }) => ({ kind: 'own', addresses: metadata.name === 'a' ? ['192.0.2.1', '192.0.2.2'] : [] }),
    }),
    ['192.0.2.1:80 a', '192.0.2.2:80 a'],
    'several of one',
  )
})

t.test("some of the nodes' addresses", async (t) => {
  const named = (name: string, value: string) => gateway({ name, addresses: [{ value }] })
  const sketch = { ...two, gateways: [named('a', '10.0.0.1'), named('b', '10.0.0.2')] }
  t.same(served(sketch), [], 'of other nodes')
  t.same(served(sketch, ['10.0.0.1']), ['*:80 a'])
  t.same(served(sketch, ['10.0.0.1', '10.0.0.2']), ['*:80 a,b'])

  const book = createRouteBook()
  const table = emptyTable()
  const { listeners } = compileGateways(world(sketch))
  book.put(
    'gateways',
    listeners.map(({ rules, sealed }) => ({ rules, sealed, entries: ['http'] })),
  )
  for (const { hosts } of book.flush()) for (const [host, paths] of hosts) setHost(table, host, paths)
  const at = (localAddress: string) =>
    match(table, { host: 'a.lab', path: '/', method: 'GET', target: '/', fields: [] }, { localAddress })?.origin.service
  t.same(['10.0.0.1', '10.0.0.2', '127.0.0.1'].map(at), ['a', 'b', undefined], 'and at none of the others')
})
