/** Where things are filed, and how the parts of the trees are called. */
import t from 'tap'
import { rule } from '../../../../src/host/netfilter/rule.ts'
import {
  type Entry,
  layoutTrees,
  moveEntries,
  noTrees,
  portKey,
  treeNames,
} from '../../../../src/proxy/iptables/dispatch.ts'

t.test('ports are filed by protocol and number, so that those of one part are neighbours', async (t) => {
  t.equal(portKey('tcp', 80), 't0050')
  t.equal(portKey('udp', 30_080), 'u7580')
  t.equal(portKey('sctp', 65_535), 'sffff')
})

t.test('parts of the tree of ports are protocols and ranges', async (t) => {
  const { labels } = layoutTrees('IPv4', [], []).nodePorts
  const said = (prefix: string) => [labels.chain(prefix), labels.match(prefix)]
  t.same(said('t'), ['PODWAY-PORT-tcp', '-p tcp'])
  t.same(said('u75'), ['PODWAY-PORT-udp-29952:30207', '-p udp -m udp --dport 29952:30207'])
  t.same(said('s7580'), ['PODWAY-PORT-sctp-30080', '-p sctp -m sctp --dport 30080'])
  for (const prefix of ['', 'x12']) t.throws(() => labels.match(prefix), /the tree of ports has no part/)
})

t.test('parts of the trees of addresses are ranges; where a range is too long for a name, it is hashed', async (t) => {
  const four = layoutTrees('IPv4', [], [])
  t.same(
    [four.services, four.hairpin, four.refuse].map(({ labels }) => labels.chain('0a60')),
    ['PODWAY-IP-10.96.0.0/16', 'PODWAY-HP-10.96.0.0/16', 'PODWAY-IP-10.96.0.0/16'],
  )
  t.equal(four.services.labels.match('0a60'), '-d 10.96.0.0/16')
  const six = layoutTrees('IPv6', [], [])
  t.match(six.services.labels.chain('fd000096'), /^PODWAY-IP-[0-9A-F]{16}$/)
  t.match(six.hairpin.labels.chain('fd000096'), /^PODWAY-HP-[0-9A-F]{16}$/)
  t.not(six.services.labels.chain('fd000096'), six.services.labels.chain('fd000097'))
  t.equal(six.services.labels.match('fd000096'), '-d fd00:96::/32')
})

t.test('trees are in the table where they are asked, and node ports come after addresses', async (t) => {
  const first = [rule`-j FIRST`]
  const conditions = [rule`-d 192.0.2.0/24`, rule`-d 198.51.100.0/24`]
  const layouts = layoutTrees('IPv4', conditions, first)
  t.same(
    treeNames.map((name) => {
      const { table, root, head, tail } = layouts[name]
      return [name, table, root, head, tail]
    }),
    [
      ['nodePorts', 'nat', 'PODWAY-NODEPORTS', [], []],
      [
        ...['services', 'nat', 'PODWAY-SERVICES', first],
        ['-d 192.0.2.0/24 -j PODWAY-NODEPORTS', '-d 198.51.100.0/24 -j PODWAY-NODEPORTS'],
      ],
      ['hairpin', 'nat', 'PODWAY-HAIRPIN', [], []],
      ['refuseNodePorts', 'filter', 'PODWAY-REFUSE-PORTS', [], []],
      [
        ...['refuse', 'filter', 'PODWAY-REFUSE', []],
        ['-d 192.0.2.0/24 -j PODWAY-REFUSE-PORTS', '-d 198.51.100.0/24 -j PODWAY-REFUSE-PORTS'],
      ],
    ],
  )
})

t.test('entries go before others come, and leave the trees that they came from', async (t) => {
  const entry = (tree: Entry['tree'], key: string): Entry => ({ tree, item: { key, id: 'x', rules: [] } })
  const one = moveEntries(noTrees, [], [entry('services', '0a600001'), entry('nodePorts', 't7580')])
  const two = moveEntries(
    one,
    [entry('services', '0a600001')],
    [entry('services', '0a600001'), entry('refuse', '0a600001')],
  )
  const keysOf = (trees: typeof one) =>
    treeNames.flatMap((name) => {
      const tree = trees[name]
      return tree.kind === 'leaf' ? tree.items.map(({ key }) => `${name} ${key}`) : [`${name} branches`]
    })
  t.same(keysOf(noTrees), [])
  t.same(keysOf(one), ['nodePorts t7580', 'services 0a600001'])
  t.same(keysOf(two), ['nodePorts t7580', 'services 0a600001', 'refuse 0a600001'])
})
