/** The addresses that a peer names, as pods and namespaces change. */
import t from 'tap'
import type { StringMap } from '../../../../src/api/types/index.ts'
import type { Chain } from '../../../../src/host/netfilter/tables.ts'
import { readPolicy } from '../../../../src/overlay/policy/model.ts'
import { createPeerSets, type SetSpec } from '../../../../src/overlay/policy/peer-sets.ts'
import type { PolicyPod } from '../../../../src/overlay/policy/pod.ts'

const peerOf = (selectors: { readonly podSelector?: object; readonly namespaceSelector?: object }) => {
  const policy = readPolicy({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'p', namespace: 'x' } },
    spec: { podSelector: {}, ingress: [{ from: [selectors] }] },
  })
  const [peer] = policy.ingress?.[0]?.peers ?? []
  if (peer?.kind !== 'pods') throw new Error('no pods')
  return peer
}
const spec = (more: Partial<SetSpec> = {}): SetSpec => ({
  ...{ direction: 'ingress', peer: peerOf({ podSelector: { matchLabels: { app: 'web' } } }), port: undefined },
  ...more,
})
const pod = (namespace: string, last: number, more: Partial<PolicyPod> = {}): PolicyPod => ({
  ...{ namespace, uid: `${last}`, node: 'here', labels: { app: 'web' }, ports: [] },
  addresses: [`10.1.0.${last}`, `fd00::${last}`],
  ...more,
})

t.test('a set follows its pods, and is another object only when it has changed', async (t) => {
  const sets = createPeerSets('IPv4')
  const one = spec()
  const members = () => sets.view(one).members.map(({ match }) => match)
  sets.setPod('x/a', pod('x', 1))
  sets.setPod('y/a', pod('y', 2))
  t.same(members(), ['-s 10.1.0.1/32'])
  const before = sets.view(one)
  sets.setPod('x/a', pod('x', 1, { labels: { app: 'web', tier: 'front' }, node: 'there' }))
  sets.setPod('x/b', pod('x', 3, { labels: { app: 'db' } }))
  sets.setPod('x/c', pod('x', 4, { addresses: [] }))
  sets.setPod('y/b', pod('y', 5))
  sets.setPod('x/none', undefined)
  t.equal(sets.view(one), before)
  sets.setPod('x/b', pod('x', 3))
  t.same(members(), ['-s 10.1.0.1/32', '-s 10.1.0.3/32'])
  t.not(sets.view(one), before)
  sets.setPod('x/a', pod('x', 1, { addresses: ['fd00::1', '10.1.0.6', 'nowhere', '10.1.0.7'] }))
  t.same([...members()].sort(), ['-s 10.1.0.3/32', '-s 10.1.0.6/32', '-s 10.1.0.7/32'])
  sets.setPod('x/a', undefined)
  sets.setPod('x/b', pod('x', 3, { labels: {} }))
  t.same(members(), [])
})

t.test('it holds the addresses of its family, seen from its direction', async (t) => {
  const six = createPeerSets('IPv6')
  six.setPod('x/a', pod('x', 1))
  t.match(six.view(spec({ direction: 'egress' })).members, [{ match: '-d fd00::1/128' }])
  t.match(six.view(spec()).members, [{ match: '-s fd00::1/128' }])
  t.not(six.view(spec()).chain, six.view(spec({ direction: 'egress' })).chain)
})

t.test('namespaces that are selected come, change and go', async (t) => {
  const sets = createPeerSets('IPv4')
  const blue: StringMap = { color: 'blue' }
  const one = spec({ peer: peerOf({ namespaceSelector: { matchLabels: blue } }) })
  const count = () => sets.view(one).members.length
  sets.setPod('x/a', pod('x', 1))
  sets.setPod('y/a', pod('y', 2))
  sets.setPod('y/b', pod('y', 3, { labels: {} }))
  t.equal(count(), 0, 'of a namespace that is not known yet')
  sets.setNamespace('y', blue)
  t.equal(count(), 2)
  sets.setPod('y/c', pod('y', 4))
  t.equal(count(), 3)
  sets.setNamespace('y', { color: 'red' })
  t.equal(count(), 0)
  sets.setNamespace('x', blue)
  t.equal(count(), 1)
  sets.setNamespace('x', undefined)
  t.equal(count(), 0)
  const own = sets.view(spec())
  sets.setNamespace('x', blue)
  t.equal(sets.view(spec()), own, 'a peer of its own namespace asks no labels')
  const other = createPeerSets('IPv4')
  other.setNamespace('y', blue)
  other.setPod('y/a', pod('y', 2))
  t.equal(other.view(one).members.length, 1, 'whichever is known first')
})

t.test('a named port is of those that have it, each by its own number', async (t) => {
  const sets = createPeerSets('IPv4')
  const port = (name: string, protocol: 'TCP' | 'UDP', number: number) => ({ name, protocol, port: number })
  sets.setPod('x/a', pod('x', 1, { ports: [port('http', 'TCP', 80), port('http', 'UDP', 81), port('dns', 'TCP', 53)] }))
  sets.setPod('x/b', pod('x', 2, { ports: [port('http', 'TCP', 8080), port('http', 'TCP', 8081)] }))
  sets.setPod('x/c', pod('x', 3))
  const one = spec({ direction: 'egress', port: { name: 'http', protocol: 'TCP' } })
  t.same(
    sets.view(one).members.map(({ match }) => match),
    [
      '-d 10.1.0.1/32 -p tcp -m tcp --dport 80',
      '-d 10.1.0.2/32 -p tcp -m tcp --dport 8080',
      '-d 10.1.0.2/32 -p tcp -m tcp --dport 8081',
    ],
  )
  const chains = [undefined, { name: 'http', protocol: 'UDP' }, { name: 'dns', protocol: 'TCP' }] as const
  t.equal(new Set([one.port, ...chains].map((each) => sets.view({ ...one, port: each }).chain)).size, 4)
})

const rulesOf = (chains: readonly Chain[]) => Object.fromEntries(chains.map(({ name, rules }) => [name, rules]))

t.test('the kernel is told of a set that it uses: whole, then of changes, then of its end', async (t) => {
  const sets = createPeerSets('IPv4')
  const one = spec()
  const { chain } = sets.view(one)
  const used = new Set([chain])
  const none = new Set<string>()
  /** The chains that somebody has who heard of all changes. */
  const kernel = new Map<string, readonly string[]>()
  const tell = (inKernel: ReadonlySet<string>, kept: ReadonlySet<string> = used) => {
    const { written, gone } = sets.takeChange(kept, inKernel)
    for (const { name, rules } of written) kernel.set(name, rules)
    for (const name of gone) t.ok(kernel.delete(name), `${name} was there`)
    t.same(Object.fromEntries(kernel), rulesOf(sets.chainsOf(inKernel)))
    return written.length + gone.length
  }
  for (let last = 1; last <= 20; last++) sets.setPod(`x/${last}`, pod('x', last))
  t.equal(tell(none), 0, 'who does not ask hears nothing')
  t.equal(tell(used), 1)
  t.match(kernel.get(chain), [/^-s 10.1.0.1\/32 -j MARK/])
  t.equal(tell(used), 0)
  for (let last = 21; last <= 200; last++) sets.setPod(`x/${last}`, pod('x', last))
  t.ok(tell(used) > 3, 'many are a tree')
  sets.setPod('x/200', undefined)
  const changed = tell(used)
  t.ok(changed > 0 && changed < 4, `${changed} chains for one pod`)
  for (let last = 10; last < 200; last++) sets.setPod(`x/${last}`, undefined)
  tell(used)
  t.equal(kernel.size, 1)
  t.equal(tell(none), 1, 'it goes')
  t.equal(kernel.size, 0)
  t.equal(tell(used), 1, 'and comes back')
  t.equal(tell(none, none), 1, 'with the last who used it')
  sets.setPod('x/300', pod('x', 99))
  t.equal(sets.view(one).members.length, 10, 'and is made anew for the next')
  t.equal(tell(used), 1)
})
