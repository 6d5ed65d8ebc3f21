/** The chains and jumps that are there whatever Services there are. */
import t from 'tap'
import { addressOf } from '../../../../src/ip/address.ts'
import { cidrsIn } from '../../../../src/ip/cidr.ts'
import {
  foreignHead,
  frameChains,
  frameJumps,
  needsForeignRule,
  nodePortConditions,
} from '../../../../src/proxy/iptables/frame.ts'
import { type Context, makeContext } from '../support/rules.ts'

const jumpsOf = (context: Partial<Context> = {}) =>
  frameJumps(makeContext(context)).map(({ table, from, rule, at }) => `${table} ${from} ${at}: ${rule}`)

t.test('what refuses stands first, what accepts last; and only new connections are refused', async (t) => {
  const refuse = '-m conntrack --ctstate NEW -m comment --comment "podway services without endpoints" -j PODWAY-REFUSE'
  t.same(jumpsOf(), [
    'nat PREROUTING first: -m comment --comment "podway services" -j PODWAY-SERVICES',
    'nat OUTPUT first: -m comment --comment "podway services" -j PODWAY-SERVICES',
    'nat POSTROUTING first: -m comment --comment "podway masquerade" -j PODWAY-POSTROUTING',
    `filter INPUT first: ${refuse}`,
    `filter FORWARD first: ${refuse}`,
    `filter OUTPUT first: ${refuse}`,
    'filter FORWARD first: -m comment --comment "podway guard" -j PODWAY-GUARD',
    'filter FORWARD last: -m comment --comment "podway services" -j PODWAY-ACCEPT',
  ])
  const localnet = 'filter INPUT first: -m comment --comment "podway localnet" -j PODWAY-LOCALNET'
  t.same(jumpsOf({ localhostNodePorts: true }), [...jumpsOf(), localnet])
  t.same(jumpsOf({ localhostNodePorts: true, family: 'IPv6' }), jumpsOf({ family: 'IPv6' }))
})

const chainsOf = (context: Partial<Context> = {}) => {
  const { low, high } = frameChains(makeContext(context))
  const all = [...low.nat, ...low.filter, ...high.nat, ...high.filter]
  return Object.fromEntries(all.map(({ name, rules }) => [name.replace('PODWAY-', ''), rules]))
}

t.test('the chains, and what the options do to them', async (t) => {
  t.same(chainsOf(), {
    FOREIGN: ['-s 10.1.0.0/24 -j RETURN', '-j MARK --set-xmark 0x4000/0x4000'],
    GUARD: ['-m conntrack --ctstate INVALID -j DROP'],
    ACCEPT: ['-m mark --mark 0x4000/0x4000 -j ACCEPT', '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'],
    POSTROUTING: [
      '-m mark ! --mark 0x4000/0x4000 -m conntrack --ctstate DNAT -j PODWAY-HAIRPIN',
      '-m mark ! --mark 0x4000/0x4000 -j RETURN',
      '-j MARK --set-xmark 0x4000/0x0',
      '-j MASQUERADE --random-fully',
    ],
  })
  t.same(chainsOf({ dropInvalid: false })['GUARD'], [])
  t.same(chainsOf({ masqueradeAll: true })['FOREIGN'], ['-j MARK --set-xmark 0x4000/0x4000'])
  t.same(chainsOf({ localhostNodePorts: true })['LOCALNET'], [
    '! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
  ])
  t.equal(chainsOf({ localhostNodePorts: true, family: 'IPv6' })['LOCALNET'], undefined)
})

t.test('when a packet may be for a node port', async (t) => {
  const conditions = (context: Partial<Context>) => nodePortConditions(makeContext(context))
  const local = '-m addrtype --dst-type LOCAL'
  t.same(conditions({}), [`! -d 127.0.0.0/8 ${local}`])
  t.same(conditions({ localhostNodePorts: true }), [local])
  t.same(conditions({ family: 'IPv6' }), [`! -d ::1/128 ${local}`])
  t.same(conditions({ family: 'IPv6', localhostNodePorts: true }), [`! -d ::1/128 ${local}`])
  const nodePortRanges = cidrsIn(['192.0.2.0/24', '198.51.100.0/24'], 'IPv4')
  t.same(conditions({ nodePortRanges }), [`-d 192.0.2.0/24 ${local}`, `-d 198.51.100.0/24 ${local}`])
  t.same(conditions({ nodePortRanges: [] }), [], 'none of this family')
})

t.test('connections from elsewhere: by range where it is known, else by each cluster address', async (t) => {
  const inside = addressOf('10.96.0.10')
  const outside = addressOf('10.97.0.10')
  const asked = (context: Partial<Context>) => {
    const made = makeContext(context)
    return [foreignHead(made), needsForeignRule(inside, made), needsForeignRule(outside, made)]
  }
  const byRange = ['-d 10.96.0.0/16 -j PODWAY-FOREIGN']
  t.same(asked({}), [byRange, false, true])
  t.same(asked({ serviceRanges: [] }), [[], true, true])
  t.same(asked({ podRanges: [] }), [[], false, false], 'nothing is foreign where no pod is known')
  t.same(asked({ podRanges: [], masqueradeAll: true }), [byRange, false, true])
})
