/** Which addresses stand behind a backend. */
import t from 'tap'
import type { EndpointSlice, Service } from '../../../src/api/types/index.ts'
import { resolveBackend } from '../../../src/proxy/ingress/routes/endpoints.ts'
import { backendRef } from '../../../src/proxy/ingress/routes/model.ts'
import { service, slice } from '../../support/ingress-objects.ts'

const keys = (port: number | string, of: Service | undefined, slices: readonly EndpointSlice[]): readonly string[] =>
  resolveBackend(backendRef('default/web', port), of, slices).endpoints.map(({ key }) => key)

const web = service('web', {
  ports: [
    { name: 'http', port: 80 },
    { name: 'admin', port: 8081 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ],
})
const ports = [
  { name: 'http', port: 8080 },
  { name: 'admin', port: 9090 },
  { name: 'dns', port: 5353, protocol: 'UDP' as const },
]

t.test('ports by number and by name', async (t) => {
  const slices = [slice({ service: 'web', addresses: { '10.1.0.2': {} }, ports })]
  t.same(keys(80, web, slices), ['10.1.0.2:8080'])
  t.same(keys('http', web, slices), ['10.1.0.2:8080'])
  t.same(keys('admin', web, slices), ['10.1.0.2:9090'])
  t.same(keys(8080, web, slices), [], 'a target port is no Service port')
  t.same(keys('gone', web, slices), [])
  t.same(keys('dns', web, slices), [], 'UDP cannot be proxied')
  t.same(keys(80, undefined, slices), [], 'no Service')
  t.same(keys(80, service('web'), [slice({ service: 'web', addresses: { '10.1.0.2': {} } })]), ['10.1.0.2:8080'])
})

t.test('the ready ones, else those that still serve while they terminate', async (t) => {
  const states = {
    ready: { ready: true },
    unready: { ready: false, serving: false },
    leaving: { ready: false, serving: true, terminating: true },
    gone: { ready: false, serving: false, terminating: true },
  }
  const places = { ready: '10.1.0.1', unready: '10.1.0.2', leaving: '10.1.0.3', gone: '10.1.0.4' }
  const chosen = (...names: readonly (keyof typeof states)[]) => {
    const addresses = Object.fromEntries(names.map((name) => [places[name], states[name]]))
    const found = keys('http', web, [slice({ service: 'web', addresses, ports })])
    return names.filter((name) => found.includes(`${places[name]}:8080`))
  }
  t.same(chosen('ready', 'unready', 'leaving', 'gone'), ['ready'])
  t.same(chosen('unready', 'leaving', 'gone'), ['leaving'])
  t.same(chosen('unready', 'gone'), [])
  t.same(chosen(), [])
})

t.test('several slices are one list, sorted, each address once', async (t) => {
  const slices = [
    slice({ service: 'web', name: 'b', addresses: { '10.1.0.9': {}, '10.1.0.2': {} }, ports }),
    slice({ service: 'web', name: 'a', addresses: { '10.1.0.2': {}, '10.1.0.5': {} }, ports }),
    slice({ service: 'web', name: 'c', addresses: { '10.1.0.7': {} }, ports: [] }),
  ]
  t.same(keys(80, web, slices), ['10.1.0.2:8080', '10.1.0.5:8080', '10.1.0.9:8080'])
})

t.test('of a dual-stack Service one family, its first', async (t) => {
  const slices = [
    slice({ service: 'web', addresses: { '10.1.0.2': {} }, ports }),
    slice({ service: 'web', addresses: { 'fd00::2': {} }, addressType: 'IPv6', ports }),
    slice({ service: 'web', addresses: { 'web.example': {} }, addressType: 'FQDN', ports }),
  ]
  const families = (...ipFamilies: readonly ('IPv4' | 'IPv6')[]): Service => service('web', { ...web.spec, ipFamilies })
  t.same(keys(80, web, slices), ['10.1.0.2:8080'])
  t.same(keys(80, families('IPv6', 'IPv4'), slices), ['[fd00::2]:8080'])
  t.same(keys(80, web, slices.slice(1)), ['[fd00::2]:8080'], 'whatever there is')
  t.same(keys(80, web, slices.slice(2)), [], 'but no names')
  const odd = { 'web.example': {}, 'fd00::2': {}, '10.1.0.2/24': {}, '': {}, '10.1.0.2': {} }
  t.same(keys(80, web, [slice({ service: 'web', addresses: odd, ports })]), ['10.1.0.2:8080'], 'nor what is no address')
})

t.test('a Service outside of the cluster, by its name', async (t) => {
  const external = (externalName: string): Service => service('web', { type: 'ExternalName', externalName })
  t.same(keys(8080, external('api.example.org'), []), ['api.example.org:8080'])
  for (const own of [
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    '127.0.0.1',
    '0.0.0.0',
    '::1',
    '169.254.169.254',
    'fe80::1',
  ])
    t.same(keys(80, external(own), []), [], `${own} would be this machine, or what only it may ask`)
})

t.test('the cluster address, when that is what is wanted', async (t) => {
  const ref = backendRef('default/web', 80, true)
  const of = (clusterIP: string) =>
    resolveBackend(ref, service('web', { clusterIP, ports: [{ port: 80 }] }), []).endpoints.map(({ key }) => key)
  t.same(of('10.96.0.7'), ['10.96.0.7:80'])
  t.same(of('fd00::7'), ['[fd00::7]:80'])
  t.same(of('None'), [], 'a headless Service has none')
})

t.test('appProtocol says what the endpoints speak', async (t) => {
  const protocol = (appProtocol: string) =>
    resolveBackend(backendRef('default/web', 80), service('web', { ports: [{ port: 80, appProtocol }] }), []).protocol
  t.equal(protocol('kubernetes.io/h2c'), 'h2c')
  t.equal(protocol('https'), 'https')
  t.equal(protocol('kubernetes.io/ws'), undefined, 'HTTP/1.1, as always')
  t.equal(protocol('example.org/own'), undefined)
})
