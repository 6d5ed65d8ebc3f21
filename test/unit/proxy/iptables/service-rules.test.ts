/** Service ports that a process relays, among those that the kernel translates. */
import t from 'tap'
import { createFakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import { tracePacket } from '../../../../src/host/netfilter/trace.ts'
import { frameJumps } from '../../../../src/proxy/iptables/frame.ts'
import { createKernelRules } from '../../../../src/proxy/iptables/kernel.ts'
import { modelService } from '../../../../src/proxy/iptables/model.ts'
import { compilePort, portalsOf } from '../../../../src/proxy/iptables/service-rules.ts'
import { compileModel, createWantedChains } from '../../../../src/proxy/iptables/wanted.ts'
import { type EndpointDraft, makeService, makeSlice, type ServiceDraft } from '../support/objects.ts'
import { makeContext, tracedTables } from '../support/rules.ts'

const context = makeContext()
const relayed = { annotations: { 'podway.dev/proxy-mode': 'userspace' } }
const here: EndpointDraft = { address: '10.1.0.2', node: 'here' }
const away: EndpointDraft = { address: '10.1.9.2', node: 'away' }

const modelOf = (draft: ServiceDraft, endpoints: readonly EndpointDraft[] = [here, away]) =>
  modelService(makeService(draft), [makeSlice(endpoints)], context)
const portOf = (draft: ServiceDraft, endpoints?: readonly EndpointDraft[]) => {
  const [port] = modelOf(draft, endpoints).ports
  if (!port) throw new Error('no port')
  return port
}
const placesOf = (draft: ServiceDraft, endpoints?: readonly EndpointDraft[]) =>
  portalsOf(portOf(draft, endpoints)).map((portal) => portal.endpoints.map(({ address }) => address).join(' '))

const nodePort: ServiceDraft = { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30_080 }] }

t.test('portals: one for each set of endpoints that somebody can reach', async (t) => {
  t.same(placesOf({}), [], 'what the kernel translates has none')
  t.same(placesOf(relayed), ['10.1.0.2 10.1.9.2'])
  t.same(placesOf({ ...relayed, internalTrafficPolicy: 'Local' }), ['10.1.0.2'])
  t.same(placesOf({ ...relayed, ...nodePort }), ['10.1.0.2 10.1.9.2'])
  t.same(placesOf({ ...relayed, ...nodePort, externalTrafficPolicy: 'Local' }), ['10.1.0.2 10.1.9.2', '10.1.0.2'])
  t.same(placesOf({ ...relayed, ...nodePort, internalTrafficPolicy: 'Local' }), ['10.1.0.2 10.1.9.2', '10.1.0.2'])
  t.same(placesOf({ ...relayed, externalTrafficPolicy: 'Local' }), ['10.1.0.2 10.1.9.2'], 'nobody comes from outside')
  t.same(placesOf({ ...relayed, ...nodePort, externalTrafficPolicy: 'Local' }, [away]), ['10.1.9.2'])
  t.same(placesOf(relayed, []), [])
})

t.test('a portal says what its relay must know, and is known by the same name', async (t) => {
  const draft: ServiceDraft = { ...relayed, sessionAffinity: 'ClientIP' }
  const [portal] = portalsOf(portOf(draft))
  t.match(portal, {
    ...{ protocol: 'tcp', balancing: 'round-robin', affinitySeconds: 10_800 },
    endpoints: [
      { address: '10.1.0.2', port: 8080 },
      { address: '10.1.9.2', port: 8080 },
    ],
  })
  t.equal(portalsOf(portOf(draft, [here]))[0]?.id, portal?.id)
  t.not(portalsOf(portOf({ ...draft, name: 'api' }))[0]?.id, portal?.id)
  t.not(portalsOf(portOf({ ...draft, internalTrafficPolicy: 'Local' }))[0]?.id, portal?.id)
})

t.test('SCTP is never relayed', async (t) => {
  const draft: ServiceDraft = { ...relayed, ports: [{ name: 'http', port: 80, protocol: 'SCTP' }] }
  const slices = [makeSlice([here], { ports: [{ name: 'http', port: 8080, protocol: 'SCTP' }] })]
  const { ports, problems } = modelService(makeService(draft), slices, context)
  t.same(ports.flatMap(portalsOf), [])
  t.match(problems, [/SCTP cannot be relayed/])
  const other = modelService(makeService({ ports: [{ port: 80, protocol: 'SCTP' }] }), [], context)
  t.same(other.problems, [], 'which nobody wished for')
})

const open = async (draft: ServiceDraft, portOfRelay: (id: string) => number | undefined) => {
  const model = modelOf(draft)
  const relays = new Map(
    model.ports.flatMap(portalsOf).flatMap(({ id }) => {
      const port = portOfRelay(id)
      return port === undefined ? [] : [[id, port] as const]
    }),
  )
  const wanted = createWantedChains(context)
  wanted.replace('default/web', compileModel(model, context, relays))
  const netfilter = createFakeNetfilter()
  await createKernelRules(netfilter, frameJumps(context)).repair(wanted.all())
  const tables = tracedTables(netfilter)
  return (from: string, to: string, port: number) =>
    tracePacket(tables, { from, to, port }, { addresses: ['192.0.2.1'] })
      .map((landing) => `${landing.verdict} ${landing.to}:${landing.port}`)
      .join(', ')
}

t.test('a relayed port leads to the relay on this node, which nobody may ask directly', async (t) => {
  const land = await open({ ...relayed, ...nodePort }, () => 40_000)
  t.equal(land('10.1.0.7', '10.96.0.10', 80), 'accept 192.0.2.1:40000')
  t.equal(land('203.0.113.9', '192.0.2.1', 30_080), 'accept 192.0.2.1:40000')
  t.equal(land('203.0.113.9', '192.0.2.1', 40_000), 'drop 192.0.2.1:40000')
  t.equal(land('203.0.113.9', '192.0.2.1', 40_001), 'accept 192.0.2.1:40001')
})

t.test('until its relay listens, a set is translated by the kernel', async (t) => {
  const draft: ServiceDraft = { ...relayed, ...nodePort, externalTrafficPolicy: 'Local' }
  const translated = await open(draft, () => undefined)
  t.equal(translated('10.1.0.7', '10.96.0.10', 80), 'accept 10.1.0.2:8080, accept 10.1.9.2:8080')
  t.equal(translated('203.0.113.9', '192.0.2.1', 30_080), 'accept 10.1.0.2:8080')
  const mixed = await open(draft, (id) => (id.includes('-SVC-') ? 40_000 : undefined))
  t.equal(mixed('10.1.0.7', '10.96.0.10', 80), 'accept 192.0.2.1:40000')
  t.equal(mixed('203.0.113.9', '192.0.2.1', 30_080), 'accept 10.1.0.2:8080')
})

t.test('what is relayed is translated nowhere', async (t) => {
  const port = portOf({ ...relayed, sessionAffinity: 'ClientIP' })
  const [portal] = portalsOf(port)
  const { chains, entries } = compilePort(port, context, new Map([[portal?.id ?? '', 40_000]]))
  t.same(
    chains.map(({ rules }) => rules),
    [['-p tcp -j REDIRECT --to-ports 40000']],
  )
  t.same(entries.map(({ tree }) => tree).sort(), ['refuseNodePorts', 'services'], 'nor does a pod reach itself')
})
