import t from 'tap'
import { argument, isComment } from '../../../../src/host/netfilter/rule.ts'
import { cidrsIn } from '../../../../src/ip/cidr.ts'
import { blockMatch, labelOf, policyComment, portMatch, sideMatch } from '../../../../src/overlay/policy/words.ts'

t.test('ports', async (t) => {
  t.equal(portMatch(undefined), '')
  t.equal(portMatch({ protocol: 'UDP', from: 0, to: 65_535 }), '-p udp')
  t.equal(portMatch({ protocol: 'TCP', from: 80, to: 80 }), '-p tcp -m tcp --dport 80')
  t.equal(portMatch({ protocol: 'SCTP', from: 80, to: 90 }), '-p sctp -m sctp --dport 80:90')
})

t.test('sides', async (t) => {
  const [cidr] = cidrsIn(['10.0.0.0/8'], 'IPv4')
  if (!cidr) throw new Error('no range')
  t.equal(blockMatch('ingress', cidr), '-s 10.0.0.0/8')
  t.equal(blockMatch('egress', cidr), '-d 10.0.0.0/8')
  t.equal(sideMatch('-s', argument('10.1.0.2/32')), '-s 10.1.0.2/32')
  t.equal(sideMatch('-d', argument('10.1.0.2/32')), '-d 10.1.0.2/32')
})

t.test('a policy is named as it is where a comment can hold it, and told from others where none can', async (t) => {
  t.equal(labelOf('team/web'), 'team/web')
  t.equal(policyComment('team/web'), '-m comment --comment "team/web"')
  const longest = `team/${'a'.repeat(250)}`
  t.equal(labelOf(longest), longest)
  const strange = [`${longest}a`, `${longest}b`, 'team/wéb', 'team/wöb', 'team/w\nb -j ACCEPT']
  for (const policy of strange) {
    t.ok(isComment(labelOf(policy)), JSON.stringify(policy))
    t.match(labelOf(policy), /^team\/.*~[0-9A-F]{16}$/)
  }
  t.equal(new Set(strange.map(labelOf)).size, strange.length)
  t.ok(labelOf('team/wéb').startsWith('team/w?b~'))
  t.equal(labelOf(`${longest}a`).length, 255, 'as much of it as fits')
})
