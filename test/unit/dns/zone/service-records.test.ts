import t from 'tap'
import type { Endpoint, EndpointSlice, Service } from '../../../../src/api/types/index.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { readName } from '../../../../src/dns/wire/name.ts'
import { apexRecords, emptyNames } from '../../../../src/dns/zone/apex.ts'
import { podOfSource, podRecords, podSource } from '../../../../src/dns/zone/pod-records.ts'
import {
  cnameRecord,
  mxRecord,
  srvRecord,
  textRecord,
  txtRecord,
  uniqueRecords,
  type ZoneRecord,
} from '../../../../src/dns/zone/records.ts'
import { dashedAddress, endpointLabel, recordsOf } from '../../../../src/dns/zone/service-records.ts'
import { service, slice } from '../../../support/cluster-objects.ts'

const nameAt = (data: Uint8Array, at = 0): string => readName(data, at)?.name ?? '?'

/** A record in the words of zone files. */
const textOf = ({ owner, type, data }: ZoneRecord): string => {
  const bytes = Buffer.from(data)
  switch (type) {
    case types.A:
      return `${owner} A ${[...data].join('.')}`
    case types.AAAA:
      return `${owner} AAAA ${bytes.toString('hex')}`
    case types.SRV:
      return `${owner} SRV ${bytes.readUInt16BE(0)} ${bytes.readUInt16BE(2)} ${bytes.readUInt16BE(4)} ${nameAt(data, 6)}`
    case types.PTR:
      return `${owner} PTR ${nameAt(data)}`
    case types.CNAME:
      return `${owner} CNAME ${nameAt(data)}`
    case types.NS:
      return `${owner} NS ${nameAt(data)}`
    default:
      return `${owner} TYPE${type} ${bytes.toString('latin1')}`
  }
}

const zone = 'cluster.local'
const web = `web.default.svc.${zone}`
const records = (found: Service, slices: readonly EndpointSlice[] = []) => {
  const left: string[] = []
  return { said: recordsOf(found, slices, zone, (what) => left.push(what)).map(textOf), left }
}

t.test('a virtual address', async (t) => {
  const ports = [{ name: 'http', port: 80 }, { port: 81 }, { name: 'dns', port: 53, protocol: 'UDP' as const }]
  t.same(records(service('web', { clusterIP: '10.96.0.9', ports })), {
    said: [
      `${web} A 10.96.0.9`,
      `_http._tcp.${web} SRV 0 100 80 ${web}`,
      `_dns._udp.${web} SRV 0 100 53 ${web}`,
      `9.0.96.10.in-addr.arpa PTR ${web}`,
    ],
    left: [],
  })
  const both = service('web', { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00::9', 'text'] })
  t.same(records(both).said, [
    `${web} A 10.96.0.9`,
    `${web} AAAA fd000000000000000000000000000009`,
    `9.0.96.10.in-addr.arpa PTR ${web}`,
    `9${'.0'.repeat(29)}.d.f.ip6.arpa PTR ${web}`,
  ])
  t.same(records(service('web', {})).said, [], 'none yet')
})

t.test('without one: the endpoints that are ready', async (t) => {
  const endpoints: Endpoint[] = [
    { addresses: ['10.244.0.2'], hostname: 'db-0' },
    { addresses: ['10.244.0.3'], conditions: { ready: false } },
    { addresses: ['10.244.0.4'], conditions: {} },
  ]
  const dashed = `10-244-0-4.${web}`
  t.same(records(service('web', { clusterIP: 'None' }), [slice('web', endpoints)]).said, [
    ...[`${web} A 10.244.0.2`, `${web} A 10.244.0.4`, `db-0.${web} A 10.244.0.2`, `${dashed} A 10.244.0.4`],
    ...[`_http._tcp.${web} SRV 0 50 8080 db-0.${web}`, `_http._tcp.${web} SRV 0 50 8080 ${dashed}`],
    ...[`2.0.244.10.in-addr.arpa PTR db-0.${web}`, `4.0.244.10.in-addr.arpa PTR ${dashed}`],
  ])
  const twice = slice('web', [{ addresses: ['10.244.0.2'], hostname: 'db-0' }])
  t.equal(records(service('web', { clusterIP: 'None' }), [twice, twice]).said.length, 4, 'each record once')
  const fqdn: EndpointSlice = { ...twice, addressType: 'FQDN' }
  t.same(records(service('web', { clusterIP: 'None' }), [fqdn]).said, [])
  const many = Array.from({ length: 250 }, (_, n) => ({ addresses: [`10.244.1.${n}`] }))
  t.match(records(service('web', { clusterIP: 'None' }), [slice('web', many)]).said[500], / SRV 0 1 8080 /)
})

t.test('what cannot be a name is left out, and told', async (t) => {
  const ports = [
    { name: 'a.b', port: 1 },
    { name: 'ok', port: 65_536 },
    { name: 'ok', port: 1.5 },
    { name: 'ok', port: -1 },
    { name: 'ok', port: 1, protocol: 'ICMP' as never },
    { name: 'last', port: 65_535, protocol: 'SCTP' as const },
    { name: 'none', port: 0 },
  ]
  const { said, left } = records(service('web', { clusterIP: '10.96.0.9', ports }))
  t.same(
    said.filter((each) => each.includes('SRV')),
    [`_last._sctp.${web} SRV 0 100 65535 ${web}`],
  )
  t.equal(left.length, 5)
  t.match(left[0], /^port \{"name":"a\.b"/)
  const endpoints = [{ addresses: ['10.244.0.2', 'text'], hostname: 'not a label' }, { addresses: ['text'] }]
  const headless = records(service('web', { clusterIP: 'None' }), [slice('web', endpoints, [])])
  t.same(headless.said.slice(0, 2), [`${web} A 10.244.0.2`, `10-244-0-2.${web} A 10.244.0.2`])
  t.match(headless.left, [/^address \["10/, /^hostname "not a label"/, /^address \["text"\]/])
  t.match(records(service('not a name', { clusterIP: '10.96.0.9' })), { said: [], left: [/^the name "not a name\./] })
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}`
  t.match(records(service(long, { clusterIP: '10.96.0.9', ports: [{ name: 'd'.repeat(60), port: 1 }] })).left, [
    /too long/,
  ])
})

t.test('external names', async (t) => {
  const external = (externalName?: string) =>
    records(service('web', { type: 'ExternalName', ...(externalName === undefined ? {} : { externalName }) }))
  t.same(external('Example.COM.'), { said: [`${web} CNAME example.com`], left: [] })
  t.match(external('not a name'), { said: [], left: [/^externalName "not a name"$/] })
  t.match(external(), { said: [], left: ['externalName ""'] })
})

t.test('labels of endpoints', async (t) => {
  t.equal(dashedAddress('10.0.0.1'), '10-0-0-1')
  t.equal(dashedAddress('fd00::1'), 'fd00--1')
  t.equal(dashedAddress('fd00::'), 'fd00--0')
  t.equal(endpointLabel({ addresses: ['10.0.0.1'], hostname: 'Db' }), 'db')
  t.equal(endpointLabel({ addresses: ['10.0.0.1'], hostname: 'a.b' }), '10-0-0-1')
  t.equal(endpointLabel({ addresses: [] }), '')
})

t.test('pods by their address', async (t) => {
  t.same(podRecords({ namespace: 'shop', addresses: ['10.244.0.2', 'text', 'fd00::2'] }, zone).map(textOf), [
    `10-244-0-2.shop.pod.${zone} A 10.244.0.2`,
    `fd00--2.shop.pod.${zone} AAAA fd000000000000000000000000000002`,
  ])
  t.equal(podOfSource(podSource('shop/a')), 'shop/a')
  t.equal(podOfSource('shop/a'), undefined)
})

t.test('the top of the zone', async (t) => {
  const apex = apexRecords({ zone, addresses: ['10.96.0.10', 'fd00::10'], serial: 7, negativeTtl: 5 })
  t.same(apex.slice(1).map(textOf), [
    `${zone} NS ns.dns.${zone}`,
    `ns.dns.${zone} A 10.96.0.10`,
    `ns.dns.${zone} AAAA fd000000000000000000000000000010`,
    `dns-version.${zone} TYPE${types.TXT} \x051.1.0`,
  ])
  const soa = Buffer.from(apex[0]?.data ?? [])
  const primary = readName(soa, 0)
  const contact = readName(soa, primary?.end ?? 0)
  t.same([primary?.name, contact?.name], [`ns.dns.${zone}`, `hostmaster.${zone}`])
  const numbers = [0, 4, 8, 12, 16].map((at) => soa.readUInt32BE((contact?.end ?? 0) + at))
  t.same(numbers, [7, 7_200, 1_800, 86_400, 5])
  t.same(emptyNames(zone), [`svc.${zone}`, `pod.${zone}`])
})

t.test('single records', async (t) => {
  t.equal(cnameRecord('a', 'Web.Example.').target, 'web.example')
  const { data, target } = mxRecord('a', 300, 'mail.example')
  t.same([Buffer.from(data).readUInt16BE(0), nameAt(data, 2), target], [300, 'mail.example', 'mail.example'])
  const srv = srvRecord('a', { priority: 1, weight: 2, port: 3, target: 'b' })
  t.same([textOf(srv), srv.target], ['a SRV 1 2 3 b', 'b'])
  t.same([...txtRecord('a', 'xy').data], [2, 120, 121])
  t.same([...textRecord('a', '').data], [0])
  const long = textRecord('a', 'x'.repeat(600)).data
  t.same([long.length, long[0], long[256], long[512]], [603, 255, 255, 90])
})

t.test('each record once', async (t) => {
  const [a, b] = [txtRecord('a', 'x'), txtRecord('a', 'y')]
  t.same(uniqueRecords([a, b, a]), [a, b])
  t.same(uniqueRecords([a, { ...a, owner: 'b' }]).length, 2)
  t.same(uniqueRecords([a, { ...a, type: types.A }]).length, 2)
  t.same(
    uniqueRecords([
      { type: 1, data: a.data },
      { type: 1, data: a.data },
    ]).length,
    1,
    'without an owner',
  )
})
