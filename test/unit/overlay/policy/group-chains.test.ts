/** What some policies allow, as chains. */
import t from 'tap'
import type { NetworkPolicy } from '../../../../src/api/types/index.ts'
import { compileGroup } from '../../../../src/overlay/policy/group-chains.ts'
import { type Direction, readPolicy } from '../../../../src/overlay/policy/model.ts'
import { policyChain } from '../../../../src/overlay/policy/names.ts'
import { createPeerSets } from '../../../../src/overlay/policy/peer-sets.ts'
import type { NamedPort } from '../../../../src/overlay/policy/pod.ts'

const policy = (name: string, spec: NetworkPolicy['spec']) =>
  readPolicy({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'x' } },
    spec,
  })

interface Setting {
  readonly direction?: Direction
  readonly family?: 'IPv4' | 'IPv6'
  readonly ports?: readonly NamedPort[]
  /** Pods of namespace x, each of which serves `http` at 8080. */
  readonly pods?: number
}

const root = policyChain('G', 'ingress', 'x')
const web: NamedPort = { name: 'http', protocol: 'TCP', port: 8080 }

const compile = (specs: readonly NetworkPolicy['spec'][], setting: Setting = {}) => {
  const { direction = 'ingress', family = 'IPv4', ports = [], pods = 2 } = setting
  const sets = createPeerSets(family)
  for (let last = 1; last <= pods; last++)
    sets.setPod(`x/${last}`, {
      ...{ namespace: 'x', uid: `${last}`, node: 'here', labels: {}, ports: [web] },
      addresses: [`10.1.0.${last}`, `fd00::${last}`],
    })
  const policies = specs.map((spec, at) => policy(`p${at}`, spec))
  const group = { chain: root, direction, policies: policies.map(({ key }) => key) }
  const made = compileGroup({ family, group, policies, ports, view: sets.view })
  return { ...made, own: made.chains.at(-1)?.rules ?? [] }
}

const start = '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW'
const noTakingUp = `${start} -m comment --comment "no start of a connection" -j DROP`
const dropped = `-m comment --comment ${root} -j DROP`
const returns = (match: string, name = 'p0') =>
  `${match === '' ? '' : `${match} `}-m comment --comment "x/${name}" -j RETURN`
const ingress = (...rules: object[]): NetworkPolicy['spec'] => ({ podSelector: {}, ingress: rules })
const egress = (...rules: object[]): NetworkPolicy['spec'] => ({
  ...{ podSelector: {}, policyTypes: ['Egress'], egress: rules },
})

t.test('policies that allow nothing drop all; no policies drop nothing', async (t) => {
  t.same(compile([ingress()]), {
    chains: [{ name: root, rules: [noTakingUp, dropped] }],
    sets: [],
    inKernel: [],
    own: [noTakingUp, dropped],
  })
  t.same(compile([]).own, [noTakingUp])
  t.same(compile([egress({})]).own, [noTakingUp, dropped], 'what it says of the other direction is not asked')
})

t.test('everybody, at all ports or some; what two policies say alike is told of each', async (t) => {
  t.same(compile([ingress({})]).own, [noTakingUp, returns(''), dropped])
  t.same(compile([ingress({ ports: [{ port: 80 }, { port: 80 }] }), ingress({ ports: [{ port: 80 }] })]).own, [
    noTakingUp,
    returns('-p tcp -m tcp --dport 80'),
    returns('-p tcp -m tcp --dport 80', 'p1'),
    dropped,
  ])
})

t.test('a named port is the number it has in the pods that are protected; where they have none, nothing', async (t) => {
  const named = ingress({ ports: [{ port: 'http' }] })
  const udp: NamedPort = { ...web, protocol: 'UDP', port: 81 }
  t.same(compile([named], { ports: [web, udp, { ...web, name: 'admin' }] }).own, [
    noTakingUp,
    returns('-p tcp -m tcp --dport 8080'),
    dropped,
  ])
  t.same(compile([named], { ports: [udp] }).own, [noTakingUp, dropped])
})

t.test('towards others it is the number it has there: of pods, whoever is meant, and of no block', async (t) => {
  const at = (to: object) =>
    compile([egress({ ...to, ports: [{ port: 'http' }] })], { direction: 'egress', pods: 1 }).own
  const one = returns('-d 10.1.0.1/32 -p tcp -m tcp --dport 8080')
  t.same(at({}), [noTakingUp, one, dropped])
  t.same(at({ to: [{ podSelector: {} }] }), [noTakingUp, one, dropped])
  t.same(at({ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }), [noTakingUp, dropped])
  t.same(at({ to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }), [noTakingUp, dropped])
})

t.test('blocks: by themselves, or with a chain for what is excepted', async (t) => {
  const block = (cidr: string, ...except: string[]) => ({ from: [{ ipBlock: { cidr, except } }] })
  t.same(compile([ingress({ ...block('10.0.0.0/8'), ports: [{ protocol: 'UDP' }] })]).own, [
    noTakingUp,
    returns('-s 10.0.0.0/8 -p udp'),
    dropped,
  ])
  t.same(compile([ingress(block('fd00::/8')), ingress(block('fd00::/8', 'fd00:1::/32'))]).own, [noTakingUp, dropped])
  const { chains, own } = compile([
    ingress(block('10.0.0.0/8', '10.1.0.0/16', '10.2.0.0/16')),
    ingress(
      { ...block('10.0.0.0/8', '10.1.0.0/16', '10.2.0.0/16'), ports: [{ port: 80 }] },
      block('11.0.0.0/8', '11.1.0.0/16'),
    ),
  ])
  const [first, second] = chains
  t.same(chains.length, 3, 'the same block is one chain')
  t.same(first?.rules, [
    '-s 10.1.0.0/16 -j RETURN',
    '-s 10.2.0.0/16 -j RETURN',
    '-s 10.0.0.0/8 -j MARK --set-xmark 0x20000/0x20000',
  ])
  const marked = '-m mark --mark 0x20000/0x20000'
  t.same(own, [
    noTakingUp,
    '-j MARK --set-xmark 0x0/0x20000',
    `-j ${first?.name}`,
    returns(marked),
    `-p tcp -m tcp --dport 80 -j ${first?.name}`,
    `-j ${second?.name}`,
    returns(marked, 'p1'),
    dropped,
  ])
  const [towards] = compile([egress({ to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] })], {
    direction: 'egress',
  }).chains
  t.same(towards?.rules, ['-d 10.1.0.0/16 -j RETURN', '-d 10.0.0.0/8 -j MARK --set-xmark 0x20000/0x20000'])
})

t.test('few pods are rules of the group; many are a chain of their own that marks them', async (t) => {
  const peers = ingress({ from: [{ podSelector: {} }], ports: [{ port: 80 }] })
  const few = compile([peers], { pods: 32 })
  t.equal(few.inKernel.length, 0)
  t.equal(few.own.filter((rule) => rule.startsWith('-s 10.1.0.')).length, 32)
  const many = compile([peers], { pods: 33 })
  const [set] = many.sets
  t.same(many.inKernel, [set?.[1].chain])
  t.same(many.own, [
    noTakingUp,
    '-j MARK --set-xmark 0x0/0x20000',
    `-p tcp -m tcp --dport 80 -j ${set?.[1].chain}`,
    returns('-m mark --mark 0x20000/0x20000'),
    dropped,
  ])
  t.match(few.sets, [[{ direction: 'ingress', port: undefined }, { members: { length: 32 } }]])
})

t.test('in both families', async (t) => {
  t.same(compile([ingress({ from: [{ podSelector: {} }] })], { family: 'IPv6', pods: 1 }).own, [
    noTakingUp,
    returns('-s fd00::1/128'),
    dropped,
  ])
})
