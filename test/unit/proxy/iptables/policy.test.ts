/** Which endpoints serve whom. */
import t from 'tap'
import type { ServiceSpec } from '../../../../src/api/types/index.ts'
import { modelService } from '../../../../src/proxy/iptables/model.ts'
import { chooseEndpoints, isExternal, sidesWithoutLocal } from '../../../../src/proxy/iptables/policy.ts'
import { type EndpointDraft, makeService, makeSlice, type ServiceDraft } from '../support/objects.ts'
import { makeContext } from '../support/rules.ts'

const viewOf = (endpoints: readonly EndpointDraft[], draft: ServiceDraft = {}, zone = 'z1') => {
  const [view] = modelService(makeService(draft), [makeSlice(endpoints)], makeContext({ zone })).ports
  if (!view) throw new Error('no port')
  return view
}
const chosen = (...endpoints: readonly EndpointDraft[]) => {
  const { cluster, local } = chooseEndpoints(viewOf(endpoints).endpoints)
  return [cluster, local].map((some) => some.map(({ address }) => address.text.replace('10.1.', '')).join(' '))
}

const at = (last: string, more: Partial<EndpointDraft> = {}): EndpointDraft => ({ address: `10.1.${last}`, ...more })
const here = { node: 'here' }
const leaving = { ready: false, serving: true, terminating: true }
const broken = { ready: false, serving: false, terminating: true }
const starting = { ready: false, serving: true, terminating: false }

t.test('ready ones; else those that serve while they go', async (t) => {
  t.same(chosen(), ['', ''])
  t.same(chosen(at('0.1'), at('0.2', here), at('0.3', leaving)), ['0.1 0.2', '0.2'])
  t.same(chosen(at('0.1', leaving), at('0.2', broken), at('0.3', { ...leaving, ...here }), at('0.4', starting)), [
    '0.1 0.3',
    '0.3',
  ])
  t.same(chosen(at('0.1'), at('0.2', { ...leaving, ...here })), ['0.1', '0.2'], 'each policy decides by itself')
})

t.test('for this node, else for its zone, when all say for whom they are', async (t) => {
  const forNode = (...names: string[]) => ({ forNodes: names })
  const forZone = (...names: string[]) => ({ forZones: names })
  t.same(chosen(at('0.1', forNode('here')), at('0.2', forNode('away'))), ['0.1', ''])
  t.same(chosen(at('0.1', forNode('away', 'here')), at('0.2', forNode('away'))), ['0.1', ''])
  t.same(chosen(at('0.1', forNode('here')), at('0.2')), ['0.1 0.2', ''])
  t.same(chosen(at('0.1', forNode('away')), at('0.2', forNode('away'))), ['0.1 0.2', ''])
  t.same(chosen(at('0.1', forZone('z1')), at('0.2', forZone('z2'))), ['0.1', ''])
  t.same(
    chosen(at('0.1', { ...forZone('z1'), ...forNode('away') }), at('0.2', { ...forZone('z1'), ...forNode('here') })),
    ['0.2', ''],
  )
  t.same(
    chosen(at('0.1', { ...forZone('z1'), ...here }), at('0.2', { ...forZone('z2'), ...here })),
    ['0.1', '0.1 0.2'],
    'which is nothing to policy Local',
  )
})

t.test('what leads to a port beside its cluster address', async (t) => {
  const nodePort = { ports: [{ name: 'http', port: 80, nodePort: 30_080 }] }
  t.equal(isExternal(viewOf([])), false)
  t.equal(isExternal(viewOf([], nodePort)), false)
  t.equal(isExternal(viewOf([], { ...nodePort, type: 'NodePort' })), true)
  t.equal(isExternal(viewOf([], { externalIPs: ['203.0.113.5'] })), true)
  t.equal(isExternal(viewOf([], { type: 'LoadBalancer', ingress: [{ ip: '203.0.113.5' }] })), true)
})

t.test('where policy Local turns away what others could serve', async (t) => {
  const policies = (internalTrafficPolicy: 'Cluster' | 'Local', externalTrafficPolicy: 'Cluster' | 'Local') => ({
    ...{ internalTrafficPolicy, externalTrafficPolicy },
  })
  const external: Partial<ServiceSpec> = { externalIPs: ['203.0.113.5'] }
  const sides = (endpoints: readonly EndpointDraft[], draft: ServiceDraft) =>
    sidesWithoutLocal(viewOf(endpoints, draft))
  const away = [at('0.1')]
  t.same(sides(away, { ...external, ...policies('Local', 'Local') }), ['internal', 'external'])
  t.same(sides(away, { ...external, ...policies('Cluster', 'Local') }), ['external'])
  t.same(sides(away, { ...external, ...policies('Local', 'Cluster') }), ['internal'])
  t.same(sides(away, { ...external, ...policies('Cluster', 'Cluster') }), [])
  t.same(sides(away, policies('Cluster', 'Local')), [], 'nobody comes from outside')
  t.same(sides([...away, at('0.2', here)], { ...external, ...policies('Local', 'Local') }), [])
  t.same(sides([], { ...external, ...policies('Local', 'Local') }), [], 'nobody could serve')
})
