import t from 'tap'
import type { ServiceSpec } from '../../../../src/api/types/index.ts'
import { chooseFamilies } from '../../../../src/control/admission/ip-families.ts'
import { createTestApi, type Json, testNetworks } from '../../../support/api-server.ts'

const selector = { app: 'web' }
const headless = { clusterIP: 'None' }
const single = ['IPv4'] as const
const dual = ['IPv4', 'IPv6'] as const
const six = ['IPv6', 'IPv4'] as const

type Case = readonly [name: string, spec: ServiceSpec, available: typeof single | typeof dual | typeof six, end: string]

const cases: readonly Case[] = [
  ['nothing said', { selector }, dual, 'IPv4 SingleStack'],
  ['nothing said, the cluster is IPv6 first', { selector }, six, 'IPv6 SingleStack'],
  ['one family', { ipFamilies: ['IPv6'] }, dual, 'IPv6 SingleStack'],
  ['two families', { ipFamilies: ['IPv6', 'IPv4'] }, dual, 'IPv6,IPv4 RequireDualStack'],
  ['an address tells its family', { clusterIP: 'fd00::1' }, dual, 'IPv6 SingleStack'],
  ['two addresses', { clusterIPs: ['10.0.0.1', 'fd00::1'] }, dual, 'IPv4,IPv6 RequireDualStack'],
  ['preferred, and there', { ipFamilyPolicy: 'PreferDualStack' }, dual, 'IPv4,IPv6 PreferDualStack'],
  ['preferred, and not there', { ipFamilyPolicy: 'PreferDualStack' }, single, 'IPv4 PreferDualStack'],
  ['required', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, dual, 'IPv6,IPv4 RequireDualStack'],
  ['required, and not there', { ipFamilyPolicy: 'RequireDualStack' }, single, 'spec.ipFamilyPolicy'],
  ['a family that is not there', { ipFamilies: ['IPv6'] }, single, 'spec.ipFamilies[0]'],
  ['single, but two', { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4', 'IPv6'] }, dual, 'spec.ipFamilyPolicy'],
  ['an address of another family', { clusterIP: '10.0.0.1', ipFamilies: ['IPv6'] }, dual, 'spec.clusterIPs[0]'],
  ['headless', { ...headless, selector }, dual, 'IPv4 SingleStack'],
  ['headless without selector: any endpoints may come', headless, single, 'IPv4,IPv6 RequireDualStack'],
]

for (const [name, spec, available, end] of cases)
  t.test(name, async (t) => {
    const { families, policy, errors } = chooseFamilies(spec, available)
    t.equal(errors.length > 0 ? errors.map(({ field }) => field).join() : `${families.join()} ${policy}`, end)
  })

const services = '/api/v1/namespaces/default/services'
const ranges = {
  networks: { ...testNetworks, serviceCIDRs: ['10.96.0.0/28', 'fd00:96::/120'] },
  nodePorts: { from: 30_000, to: 30_003 },
}
const spec = (body: Json): Json => body['spec'] ?? body

t.test('from one stack to two and back', async (t) => {
  const api = await createTestApi({ admission: ranges })
  const base = { metadata: { name: 'a' }, spec: { ports: [{ port: 80 }], selector } }
  const { body } = await api.request('POST', services, { body: base })
  const first = String(spec(body)['clusterIP'])
  t.match(spec(body), { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', clusterIPs: [first] })
  const patch = (change: object) =>
    api.request('PATCH', `${services}/a`, { body: { spec: change }, contentType: 'application/merge-patch+json' })
  const wide = await patch({ ipFamilyPolicy: 'PreferDualStack' })
  const addressesOf = (answer: Json): string[] => JSON.parse(JSON.stringify(spec(answer)['clusterIPs']))
  const [kept, second] = addressesOf(wide.body)
  t.equal(kept, first)
  t.match(second, /^fd00:96::/)
  t.same(spec(wide.body)['ipFamilies'], ['IPv4', 'IPv6'])
  const put = await api.request('PUT', `${services}/a`, { body: base })
  t.same(spec(put.body)['clusterIPs'], [first, second], 'a PUT that says nothing of it keeps it')
  const narrow = await patch({ ipFamilyPolicy: 'SingleStack' })
  t.match(spec(narrow.body), { ipFamilies: ['IPv4'], clusterIPs: [first] })
  t.equal(addressesOf(narrow.body).length, 1)
  const taken = { metadata: { name: 'b' }, spec: { ports: [{ port: 80 }], clusterIP: second } }
  t.equal((await api.request('POST', services, { body: taken })).code, 201, 'the second address is free again')
})
