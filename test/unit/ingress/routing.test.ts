/** Local copies to routing state: what a change makes anew. */
import t from 'tap'
import { createRouting, type RoutingUpdate } from '../../../src/proxy/ingress/routes/routing.ts'
import { createFedInformer } from '../../support/fed-informer.ts'
import { byService, ingress, ingressClass, path, service, slice } from '../../support/ingress-objects.ts'

const sources = () => ({
  ingresses: createFedInformer([
    ingress({ className: 'edge', rules: { 'a.lab': [path('prefix:/', 'web'), path('prefix:/api', 'api')] } }),
    ingress({ name: 'other', className: 'nginx', rules: { 'b.lab': [path('prefix:/', 'web')] } }),
  ]),
  classes: createFedInformer([ingressClass('edge'), ingressClass('nginx', 'k8s.io/ingress-nginx')]),
  services: createFedInformer([service('web'), service('api')]),
  slices: createFedInformer([slice({ service: 'web', addresses: { '10.1.0.2': {} } })], { service: byService }),
})

const keys = ({ backends }: RoutingUpdate) =>
  Object.fromEntries(backends.map(([backend, now]) => [backend, now?.endpoints.map(({ key }) => key)]))

/** The hosts of each entry, and whether they are served. */
const hosts = ({ tables }: RoutingUpdate) =>
  Object.fromEntries(
    tables.map(({ entry, hosts }) => [entry, Object.fromEntries(hosts.map(([host, paths]) => [host, Boolean(paths)]))]),
  )

t.test('the first reading takes the Ingresses of our class and all their backends', async (t) => {
  const routing = createRouting(sources())
  t.same(routing.state().backends, [], 'nothing before')
  routing.readIngresses()
  const first = routing.flush()
  t.same(hosts(first), { http: { 'a.lab': true }, https: { 'a.lab': true } })
  t.equal(first.tables[0]?.hosts[0]?.[1], first.tables[1]?.hosts[0]?.[1], 'compiled once for both')
  t.same(keys(first), { 'default/web:80': ['10.1.0.2:8080'], 'default/api:80': [] })
  t.same(keys(routing.state()), keys(first))
  t.same(hosts(routing.state()), hosts(first))
  t.same(routing.flush(), { tables: [], backends: [] }, 'and nothing is left to tell')
})

t.test('a change of endpoints tells of the backends that differ', async (t) => {
  const from = sources()
  const routing = createRouting(from)
  routing.readIngresses()
  routing.flush()
  const after = (...services: readonly string[]) => {
    routing.readServices(services)
    return keys(routing.flush())
  }
  from.slices.put(slice({ service: 'web', addresses: { '10.1.0.2': {}, '10.1.0.3': {} } }))
  t.same(after('default/api', 'default/unrelated'), {})
  t.same(after('default/web'), { 'default/web:80': ['10.1.0.2:8080', '10.1.0.3:8080'] })
  t.same(after('default/web'), {}, 'nothing new')
  t.same(keys(routing.state())['default/web:80'], ['10.1.0.2:8080', '10.1.0.3:8080'])
  from.services.remove('default/web')
  t.same(after('default/web'), { 'default/web:80': [] })
})

t.test('a class that becomes ours brings its Ingresses', async (t) => {
  const from = sources()
  const routing = createRouting(from)
  routing.readIngresses()
  routing.flush()
  from.classes.put(ingressClass('nginx'))
  routing.readIngresses()
  t.same(hosts(routing.flush()).http, { 'b.lab': true })
})

t.test('a change of one Ingress touches its own hosts, and forgets backends that nobody refers to', async (t) => {
  const from = sources()
  const routing = createRouting(from)
  routing.readIngresses()
  routing.flush()
  from.ingresses.put(ingress({ name: 'more', className: 'edge', rules: { 'c.lab': [path('prefix:/', 'web')] } }))
  routing.readIngresses(['default/more'])
  t.same(hosts(routing.flush()).http, { 'c.lab': true })
  from.ingresses.put(ingress({ name: 'web', className: 'edge', rules: { 'a.lab': [path('prefix:/', 'web')] } }))
  routing.readIngresses(['default/web'])
  const changed = routing.flush()
  t.same(hosts(changed).http, { 'a.lab': true })
  t.same(keys(changed), { 'default/api:80': undefined })
  from.ingresses.remove('default/more')
  routing.readIngresses(['default/more'])
  t.same(hosts(routing.flush()), { http: { 'c.lab': false }, https: { 'c.lab': false } })
})

t.test('TLS: which Secret each host shows, the oldest Ingress first', async (t) => {
  const from = sources()
  const secured = (name: string, created: string, secretName: string) => {
    const plain = ingress({ name, created, className: 'edge', rules: { 'a.lab': [path('prefix:/', 'web')] } })
    return { ...plain, spec: { ...plain.spec, tls: [{ hosts: ['a.lab'], secretName }] } }
  }
  from.ingresses.put(secured('young', '2026-02-02T00:00:00Z', 'late'), secured('old', '2025-01-01T00:00:00Z', 'first'))
  const routing = createRouting(from)
  routing.readIngresses()
  t.same(routing.flush().tls?.hosts, [{ host: 'a.lab', secret: 'default/first', ingress: 'default/old' }])
  from.ingresses.remove('default/old')
  routing.readIngresses(['default/old'])
  t.same(routing.flush().tls?.hosts, [{ host: 'a.lab', secret: 'default/late', ingress: 'default/young' }])
  routing.readServices(['default/web'])
  t.equal(routing.flush().tls, undefined, 'not told again')
})

t.test('an Ingress that cannot be read is not served, and told; all others are', async (t) => {
  const broken = { ...ingress({ name: 'broken', className: 'edge', rules: { 'b.lab': [path('prefix:/', 'web')] } }) }
  const odd = Object.defineProperty({ ...broken }, 'spec', {
    get: () => {
      throw new Error('a mistake of ours')
    },
  })
  const from = sources()
  from.ingresses.put(broken)
  const routing = createRouting(from)
  routing.readIngresses()
  t.same(hosts(routing.flush()), { http: { 'a.lab': true, 'b.lab': true }, https: { 'a.lab': true, 'b.lab': true } })
  from.ingresses.put(odd)
  routing.readIngresses()
  t.same(hosts(routing.flush()), { http: { 'b.lab': false }, https: { 'b.lab': false } }, 'what it was is not served')
  t.match(routing.problems(), [{ ingress: 'default/broken', message: /not served: internal error/ }])
  from.ingresses.put(broken)
  routing.readIngresses(['default/broken'])
  t.same(routing.problems(), [])
})
