/** Local copies to routing state: what a change makes anew. */
import t from 'tap'
import { createRouting } from '../../../src/proxy/ingress/routes/routing.ts'
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

const keys = (backends: ReturnType<ReturnType<typeof createRouting>['refresh']>) =>
  Object.fromEntries(backends.map(([backend, endpoints]) => [backend, endpoints.map(({ key }) => key)]))

t.test('a rebuild takes the Ingresses of our class and all their backends', async (t) => {
  const routing = createRouting(sources())
  t.same(routing.state().backends, [], 'nothing before')
  const state = routing.rebuild()
  t.same([...state.table.hosts.keys()], ['a.lab'])
  t.same(keys(state.backends), { 'default/web:80': ['10.1.0.2:8080'], 'default/api:80': [] })
  t.same(routing.state(), state)
})

t.test('a refresh resolves the named Services alone, and returns what differs', async (t) => {
  const from = sources()
  const routing = createRouting(from)
  routing.rebuild()
  from.slices.put(slice({ service: 'web', addresses: { '10.1.0.2': {}, '10.1.0.3': {} } }))
  t.same(keys(routing.refresh(['default/api', 'default/unrelated'])), {})
  t.same(keys(routing.refresh(['default/web'])), { 'default/web:80': ['10.1.0.2:8080', '10.1.0.3:8080'] })
  t.same(keys(routing.refresh(['default/web'])), {}, 'nothing new')
  t.same(keys(routing.state().backends)['default/web:80'], ['10.1.0.2:8080', '10.1.0.3:8080'])
  from.services.remove('default/web')
  t.same(keys(routing.refresh(['default/web'])), { 'default/web:80': [] })
})

t.test('a class that becomes ours brings its Ingresses', async (t) => {
  const from = sources()
  const routing = createRouting(from)
  routing.rebuild()
  from.classes.put(ingressClass('nginx'))
  t.same([...routing.rebuild().table.hosts.keys()].sort(), ['a.lab', 'b.lab'])
})
