/** Which addresses stand behind a backend. */
import t from 'tap'
import type { EndpointSlice, Service } from '../../../src/api/types/index.ts'
import { resolveEndpoints, sameEndpoints } from '../../../src/proxy/ingress/routes/endpoints.ts'
import type { BackendKey } from '../../../src/proxy/ingress/routes/model.ts'
import { service, slice } from '../../support/ingress-objects.ts'

const keys = (port: number | string, of: Service | undefined, slices: readonly EndpointSlice[]): readonly string[] =>
  resolveEndpoints({ key: 'default/web:80' as BackendKey, service: 'default/web', port }, of, slices).map(
    ({ key }) => key,
  )

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
  const chosen = (...names: readonly (keyof typeof states)[]) =>
    keys('http', web, [
      slice({ service: 'web', addresses: Object.fromEntries(names.map((name) => [name, states[name]])), ports }),
    ]).map((key) => key.split(':')[0])
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
})

t.test('lists are compared by address and port', async (t) => {
  const endpoint = (key: string) => ({ key, address: key, port: 1 })
  t.equal(sameEndpoints([endpoint('a')], [endpoint('a')]), true)
  t.equal(sameEndpoints([endpoint('a')], [endpoint('b')]), false)
  t.equal(sameEndpoints([endpoint('a')], []), false)
})
