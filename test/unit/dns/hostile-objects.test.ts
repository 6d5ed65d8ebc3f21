/**
 * Whatever stands in any field of an object that names are made of: reading it never throws, each record is one that DNS can
 * hold, and all other names are answered as ever.
 */
import { Packet } from 'dns2'
import t from 'tap'
import type { ConfigMap, EndpointSlice, Service } from '../../../src/api/types/index.ts'
import { clusterNames } from '../../../src/dns/answer/cluster.ts'
import { createResponder, type Responder } from '../../../src/dns/answer/responder.ts'
import { skyNames } from '../../../src/dns/answer/skydns.ts'
import { publishedBy } from '../../../src/dns/skydns/published.ts'
import { createSkyTree } from '../../../src/dns/skydns/tree.ts'
import { skyView } from '../../../src/dns/skydns/view.ts'
import { rcodes, types } from '../../../src/dns/wire/constants.ts'
import { encodeName, readName } from '../../../src/dns/wire/name.ts'
import { podRecords } from '../../../src/dns/zone/pod-records.ts'
import type { ZoneRecord } from '../../../src/dns/zone/records.ts'
import { recordsOf } from '../../../src/dns/zone/service-records.ts'
import { createZone } from '../../../src/dns/zone/zone.ts'
import { service } from '../../support/cluster-objects.ts'
import { makeQuery, readReply } from '../../support/dns-client.ts'
import {
  attacks,
  type HostileVariant,
  hostileSamples,
  hostileVariants,
  messageAttacks,
} from '../../support/hostile-objects.ts'
import { rounds } from '../../support/rounds.ts'
import { tryVariants } from '../../support/try-variants.ts'

const origin = 'cluster.local'
// Thousands of objects, on machines that are busy with other things, too.
t.setTimeout(300_000)

const tried = { ...attacks, ...messageAttacks }
const trial = { stride: rounds(7, 1), atLeast: 500 }
const goodName = 'good.default.svc.cluster.local'
const good = recordsOf(service('good', { clusterIP: '10.96.0.9' }), [], origin)

const lengths: Readonly<Record<number, number>> = { [types.A]: 4, [types.AAAA]: 16 }

/** Where in a record's data a name stands that goes on to its end. */
const nameAt: Readonly<Record<number, number>> = { [types.CNAME]: 0, [types.PTR]: 0, [types.SRV]: 6, [types.MX]: 2 }

const recordFault = ({ owner, type, data, target }: ZoneRecord, zone = origin): string | undefined => {
  const wire = encodeName(owner)
  if (readName(wire, 0)?.name !== owner) return `the owner ${JSON.stringify(owner).slice(0, 200)}`
  if (!owner.endsWith(`.${zone}`) && !owner.endsWith('.arpa')) return `the owner ${owner} is not of the zone`
  const length = lengths[type]
  if (length !== undefined) return data.length === length ? undefined : `${data.length} bytes of an address`
  const at = nameAt[type]
  if (at === undefined) return undefined
  const read = readName(data, at)
  if (read?.end !== data.length) return `the data of ${owner}, type ${type}`
  return target === undefined || read.name === target ? undefined : `${read.name} is not ${target.slice(0, 200)}`
}

/** Answers the name of somebody else, and each name of the hostile object, with packets that others can read. */
const answersFault = async (respond: Responder, names: Iterable<string>): Promise<string | undefined> => {
  for (const name of names)
    for (const type of [types.A, types.SRV, types.CNAME, types.TXT, types.PTR, types.MX, types.ANY]) {
      const answer = await respond(makeQuery(name, type), '10.0.0.1', true)
      if (!answer) return `no answer for ${name}`
      Packet.parse(answer)
      if (readReply(answer).rcode === rcodes.failed) return `SERVFAIL for ${name.slice(0, 200)}, type ${type}`
    }
  const answer = await respond(makeQuery(goodName, types.A), '10.0.0.1', false)
  return answer && readReply(answer).answers.length === 1 ? undefined : 'the other name is not answered'
}

const mistakes = (): ((error: unknown) => never) => (error) => {
  throw error
}

const recordsFault = async (records: readonly ZoneRecord[]): Promise<string | undefined> => {
  const wrong = records.map((record) => recordFault(record)).find((fault) => fault !== undefined)
  if (wrong !== undefined) return wrong
  const zone = createZone()
  zone.set('default/good', good)
  zone.set('hostile/web', records)
  const respond = createResponder(
    [
      clusterNames({
        ...{ zone, origin, isComplete: () => true, ttl: 30, negativeTtl: 5 },
      }),
    ],
    mistakes(),
  )
  const fault = await answersFault(respond, new Set(records.map(({ owner }) => owner)))
  zone.set('hostile/web', [])
  return fault ?? (zone.size === 2 ? undefined : `${zone.size} names are left`)
}

const { Service: sample, EndpointSlice: sliceSample } = hostileSamples
const variantsOf = (kind: string, object: object) => hostileVariants(kind, object, tried)
const objectOf = <T>({ object }: HostileVariant): T => object as T
const slices = [sliceSample as unknown as EndpointSlice]

for (const [name, spec] of [
  ['with an address', sample.spec],
  ['headless', { ...sample.spec, clusterIP: 'None', clusterIPs: ['None'] }],
  ['of another name', { ...sample.spec, type: 'ExternalName', externalName: 'web.example' }],
] as const)
  t.test(`Service ${name}`, { timeout: 120_000 }, async (t) => {
    const object = { ...sample, spec }
    t.ok(recordsOf(object as unknown as Service, slices, origin).length > 0, 'the sample has names')
    await tryVariants(t, variantsOf('Service', object), trial, (variant) =>
      recordsFault(recordsOf(objectOf<Service>(variant), slices, origin)),
    )
  })

t.test('EndpointSlice', { timeout: 120_000 }, async (t) => {
  const headless = { ...sample, spec: { ...sample.spec, clusterIP: 'None' } } as unknown as Service
  const endpoints = sliceSample.endpoints.map((endpoint, at) => ({ ...endpoint, hostname: `web-${at}` }))
  const object = { ...sliceSample, endpoints }
  const sound = (variant: HostileVariant) =>
    recordsOf(headless, [objectOf<EndpointSlice>(variant), sliceSample as unknown as EndpointSlice], origin)
  await tryVariants(t, variantsOf('EndpointSlice', object), trial, (variant) => recordsFault(sound(variant)))
  const leftOut: string[] = []
  const odd = { ...object, endpoints: [{ ...endpoints[0], hostname: 'x'.repeat(300) }, ...endpoints.slice(1)] }
  const records = recordsOf(headless, [odd as unknown as EndpointSlice], origin, (what) => leftOut.push(what))
  t.ok(
    records.some(({ owner }) => owner.startsWith('10-244-1-2.')),
    'one without a proper hostname is known by its address',
  )
  t.ok(
    records.some(({ owner }) => owner.startsWith('web-1.')),
    'the others by theirs',
  )
  t.match(leftOut, [/hostname "xxx/], 'and that is told')
})

t.test('pods', async (t) => {
  const records = podRecords(
    { namespace: 'default', addresses: ['10.244.1.2', 'x', '', '10.244.1.2/24', '::1%eth0'] },
    origin,
  )
  t.same(
    records.map(({ owner }) => owner),
    ['10-244-1-2.default.pod.cluster.local'],
  )
})

t.test('the view as SkyDNS holds it', { timeout: 120_000 }, async (t) => {
  const sound = service('good', { clusterIP: '10.96.0.9' })
  const viewFault = (services: readonly Service[], from: readonly EndpointSlice[]): string | undefined =>
    skyView([sound, ...services], from, [], origin).has('/skydns/local/cluster/svc/default/good')
      ? undefined
      : 'the other Service is missing'
  await tryVariants(
    t,
    variantsOf('Service', { ...sample, spec: { ...sample.spec, type: 'ExternalName', externalName: 'web.example' } }),
    trial,
    (variant) => viewFault([objectOf<Service>(variant)], slices),
  )
  const headless = { ...sample, spec: { ...sample.spec, clusterIP: 'None' } } as unknown as Service
  await tryVariants(t, variantsOf('EndpointSlice', sliceSample), trial, (variant) =>
    viewFault([headless], [objectOf<EndpointSlice>(variant)]),
  )
})

t.test('ConfigMap: published records', { timeout: 120_000 }, async (t) => {
  const record = JSON.stringify({ host: 'web.example', text: 'a text', port: 80, mail: true, group: 'g' })
  const object = {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'records', namespace: 'hostile' } },
    data: { 'local.skydns.east.1': record, 'local.skydns.east.2': '{"host":"10.0.0.9"}' },
  }
  await tryVariants(t, variantsOf('ConfigMap', object), trial, async (variant) => {
    const { entries } = publishedBy(objectOf<ConfigMap>(variant))
    const tree = createSkyTree()
    tree.set('good', [
      {
        name: goodName,
        record: {
          host: '10.0.0.8',
          port: 0,
          priority: 10,
          weight: 100,
          text: '',
          mail: false,
          ttl: 30,
          targetstrip: 0,
          group: '',
        },
      },
    ])
    tree.set('hostile', entries)
    const respond = createResponder([skyNames({ tree, zones: ['skydns.local'], negativeTtl: 5 })], mistakes())
    return answersFault(
      respond,
      ['east.skydns.local', ...entries.map(({ name }) => name)].filter((name) => name !== ''),
    )
  })
})
