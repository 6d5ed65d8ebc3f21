/** What is said of a connection beside whether it may be: which policies, which rules. */
import t from 'tap'
import type { NetworkPolicy } from '../../../../src/api/types/index.ts'
import { type Connection, evaluate } from '../../../../src/overlay/policy/evaluate.ts'
import { readPolicy } from '../../../../src/overlay/policy/model.ts'
import { caseNamespace, casePod, casePods } from './support.ts'

const policy = (name: string, spec: NetworkPolicy['spec'], namespace = 'x') =>
  readPolicy({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace }, spec })
const namespaces = new Map(['x', 'y', 'z'].map((name) => [name, caseNamespace(name)]))

const a = { address: '10.244.1.11', pod: casePod('x/a') }
const b = { address: '10.244.1.12', pod: casePod('x/b') }
const outside = { address: '203.0.113.9', pod: undefined }

const say = (specs: readonly NetworkPolicy['spec'][], connection: Partial<Connection>) => {
  // In an order that is not theirs.
  const policies = specs.map((spec, at) => policy(`p${at}`, spec)).reverse()
  const world = { pods: casePods, namespaces, policies }
  return evaluate({ from: b, to: a, protocol: 'TCP', port: 80, ...connection }, world)
}

t.test('both directions are told of, each with its policies and the rules that allow', async (t) => {
  const everybody = { podSelector: {}, ingress: [{ from: [] }] }
  const nobody = { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } as const
  const web = { podSelector: {}, ingress: [{ ports: [{ port: 81 }] }, { ports: [{ port: 80 }] }] }
  t.same(say([], {}), [
    { direction: 'egress', isAllowed: true, policies: [], rules: [] },
    { direction: 'ingress', isAllowed: true, policies: [], rules: [] },
  ])
  t.same(say([web, nobody, everybody], {}), [
    { direction: 'egress', isAllowed: false, policies: ['x/p1'], rules: [] },
    {
      ...{ direction: 'ingress', isAllowed: true, policies: ['x/p0', 'x/p1', 'x/p2'] },
      rules: ['x/p2 spec.ingress[0]', 'x/p0 spec.ingress[1]'],
    },
  ])
  t.same(
    say([nobody], { from: outside, to: outside }).map(({ isAllowed }) => isAllowed),
    [true, true],
    'nobody’s policies are theirs',
  )
})

t.test('an address that the pod no longer has is not the pod', async (t) => {
  const [, ingress] = say([{ podSelector: {} }], { to: { ...a, address: '10.244.1.99' } })
  t.same(ingress?.policies, [])
  const [, from] = say([{ podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] }], {
    from: { ...b, address: '10.244.1.99' },
  })
  t.equal(from?.isAllowed, false)
})

t.test('what has no ports passes where no port is asked for', async (t) => {
  const isAllowed = (ingress: NonNullable<NetworkPolicy['spec']>['ingress'], one: Partial<Connection>) =>
    say([{ podSelector: {}, ...(ingress ? { ingress } : {}) }], one)[1]?.isAllowed
  const ping = { protocol: undefined, port: 0 } as const
  t.equal(isAllowed([{ from: [{ podSelector: {} }] }], ping), true)
  t.equal(isAllowed([{ ports: [{}] }], ping), false)
  t.equal(isAllowed([{ ports: [{}] }], { port: 0 }), true)
})

t.test('a range ends where it says, and a name is of the protocol', async (t) => {
  const ports = (port: object, one: Partial<Connection>) =>
    say([{ podSelector: {}, ingress: [{ ports: [port] }] }], one)[1]?.isAllowed
  const range = { port: 80, endPort: 82 }
  t.same(
    [79, 80, 82, 83].map((port) => ports(range, { port })),
    [false, true, true, false],
  )
  t.equal(ports(range, { protocol: 'UDP' }), false)
  const named = { port: 'serve-80-tcp' }
  t.same([ports(named, {}), ports(named, { port: 81 }), ports(named, { protocol: 'UDP' })], [true, false, false])
  t.equal(ports({ ...named, protocol: 'UDP' }, { protocol: 'UDP' }), false)
})

t.test('a named port is of a pod, and a block has none', async (t) => {
  const egress = (to: object, end: Connection['to']) =>
    say([{ podSelector: {}, policyTypes: ['Egress'], egress: [{ ...to, ports: [{ port: 'serve-80-tcp' }] }] }], {
      to: end,
    })[0]?.isAllowed
  const block = { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }
  t.equal(egress({}, a), true)
  t.equal(egress({}, outside), false)
  t.equal(egress(block, a), false)
  t.equal(egress({ to: [...block.to, { podSelector: {} }] }, a), true)
})

t.test('blocks: within, but for what is excepted, and of the family', async (t) => {
  const isAllowed = (cidr: string, except: readonly string[], address: string) =>
    say([{ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr, except } }] }] }], {
      from: { address, pod: undefined },
    })[1]?.isAllowed
  const except = ['10.1.0.0/16', '10.2.0.0/16']
  t.same(
    ['10.0.0.1', '10.1.0.1', '10.2.0.1', '11.0.0.1', 'fd00::1'].map((each) => isAllowed('10.0.0.0/8', except, each)),
    [true, false, false, false, false],
  )
  t.equal(isAllowed('::/0', [], '10.0.0.1'), false)
})
