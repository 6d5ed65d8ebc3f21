/** Statuses get written: once, in spite of races and failures. */
import t, { type Test } from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../../../src/api/certificates.ts'
import { createClient } from '../../../../src/api/client.ts'
import { systemClock } from '../../../../src/api/clock.ts'
import { internalError, modifiedMeanwhile } from '../../../../src/api/errors.ts'
import type { Gateway, GatewayClass, HTTPRoute, Secret } from '../../../../src/api/types/index.ts'
import { createGatewayController } from '../../../../src/proxy/ingress/gateway/controller.ts'
import { sharedPlace } from '../../../../src/proxy/ingress/gateway/places.ts'
import { secretState } from '../../../../src/proxy/ingress/gateway/world.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'
import { createFedInformer } from '../../../support/fed-informer.ts'
import { gateway, gatewayClass, route } from '../../../support/gateway-objects.ts'
import { until } from '../../../support/until.ts'

const start = async (t: Test) => {
  const api = await openClusterApi()
  const stored = { gatewayclasses: gatewayClass(), gateways: gateway(), httproutes: route() }
  for (const [plural, object] of Object.entries(stored)) api.put(plural, object)
  const sources = {
    classes: createFedInformer<GatewayClass>(),
    gateways: createFedInformer<Gateway>(),
    routes: createFedInformer<HTTPRoute>(),
    grants: createFedInformer([]),
    services: createFedInformer([]),
    namespaces: createFedInformer([]),
    secrets: createFedInformer([]),
    configMaps: createFedInformer([]),
  }
  /** What informers do sooner or later. */
  const catchUp = (): void => {
    sources.classes.put(...(api.all('gatewayclasses') as readonly GatewayClass[]))
    sources.gateways.put(...(api.all('gateways') as readonly Gateway[]))
    sources.routes.put(...(api.all('httproutes') as readonly HTTPRoute[]))
  }
  catchUp()
  const failures: unknown[] = []
  const controller = createGatewayController({
    ...{
      client: createClient(api),
      clock: systemClock,
      sources,
      addresses: () => ['10.0.0.1'],
      settle: () => sharedPlace,
    },
    onError: (error) => failures.push(error),
  })
  const stop = new AbortController()
  const ended = controller.run(stop.signal)
  t.teardown(() => {
    stop.abort()
    return ended
  })
  const writes = (): readonly string[] =>
    api.calls.filter((call) => call.startsWith('PATCH')).map((call) => call.split('/').slice(4).join('/'))
  return { api, catchUp, controller, failures, writes }
}

const all = [
  'gatewayclasses/podway/status',
  'namespaces/infra/gateways/gw/status',
  'namespaces/infra/httproutes/route/status',
]

t.test('everything is written once; what is as it should be is left alone', async (t) => {
  const { api, catchUp, controller, writes } = await start(t)
  await until(() => writes().length === 3, 'three writes')
  t.same([...writes()].sort(), all)
  catchUp()
  api.put('httproutes', {
    ...route({ hostnames: ['a.lab'], generation: 2 }),
    status: api.peek<HTTPRoute>('httproutes', 'infra/route')?.status,
  } as HTTPRoute)
  catchUp()
  controller.lookAgain()
  await until(() => writes().length > 3, 'the new generation')
  t.same(writes().slice(3), ['namespaces/infra/httproutes/route/status'])
})

t.test('a lost race is tried again, and not told', async (t) => {
  const { api, failures, writes } = await start(t)
  let races = 2
  api.interfere(({ method, path }) => {
    if (method === 'PATCH' && path.includes('httproutes') && races-- > 0)
      throw modifiedMeanwhile({ group: '', plural: 'httproutes' }, 'route')
  })
  await until(() => writes().some((call) => call.includes('httproutes')), 'the route')
  t.same(failures, [])
})

t.test('a failure is told, does not hold others up, and is tried again', async (t) => {
  const { api, failures, writes } = await start(t)
  let isDown = true
  api.interfere(({ method, path }) => {
    if (method === 'PATCH' && path.includes('gatewayclasses') && isDown) throw internalError('down')
  })
  await until(() => failures.length > 0 && writes().length >= 2, 'the others')
  isDown = false
  await until(() => writes().some((call) => call.includes('gatewayclasses')), 'the class')
  t.match(failures, [{ message: /down/ }])
})

t.test('which Secrets hold a certificate', async (t) => {
  const authority = await createAuthority('test', validFor(1, Date.now()))
  const [one, other] = await Promise.all(
    ['a.lab', 'b.lab'].map((name) =>
      issueCertificate(authority, { commonName: name }, validFor(1, Date.now()), 'server'),
    ),
  )
  const secret = (cert = '', key = ''): Secret => ({
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'c' }, type: 'kubernetes.io/tls' },
    data: { 'tls.crt': Buffer.from(cert).toString('base64'), 'tls.key': Buffer.from(key).toString('base64') },
  })
  t.equal(secretState(undefined), 'missing')
  t.equal(secretState(secret(one?.cert, one?.key)), 'ok')
  t.equal(secretState(secret(`${one?.cert}${authority.cert}`, one?.key)), 'ok', 'a chain')
  t.equal(secretState(secret(one?.cert, other?.key)), 'broken', 'the key of another')
  t.equal(secretState(secret('text', one?.key)), 'broken')
  t.equal(secretState({ ...secret(), data: {} }), 'broken')
})
