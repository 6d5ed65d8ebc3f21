import t from 'tap'
import { destinationWord, hostWord } from '../../../../src/host/netfilter/address-words.ts'
import {
  always,
  argument,
  chainName,
  comment,
  count,
  isRuleError,
  mark,
  ports,
  protocolWord,
  type Rule,
  rule,
  toPorts,
} from '../../../../src/host/netfilter/rule.ts'
import { type Chain, renderEdits, renderQuestions, ruleWords } from '../../../../src/host/netfilter/tables.ts'
import { addressOf, canonicalAddress } from '../../../../src/ip/address.ts'
import { parseMaskedCidr } from '../../../../src/ip/cidr.ts'
import { attacks } from '../../../support/hostile-objects.ts'

t.test('values are written as iptables-save writes them', async (t) => {
  t.equal(hostWord(addressOf('10.0.0.1')), '10.0.0.1/32')
  t.equal(destinationWord(addressOf('FD00:0::1'), 80), '[fd00::1]:80')
  t.same([ports(80), ports(80, 90), mark(0x4000), mark(0, 2)], ['80', '80:90', '0x4000/0x4000', '0x0/0x2'])
  t.equal(toPorts('udp', 53), '-p udp -m udp --dport 53')
  t.equal(comment('plain-word'), '-m comment --comment plain-word')
  t.equal(comment('default/web:http/tcp'), '-m comment --comment "default/web:http/tcp"')
  t.equal(comment(`a"b'c\\d`), `-m comment --comment "a\\"b\\'c\\\\d"`)
  t.same(ruleWords(comment(`a"b'c\\d`)), ['-m', 'comment', '--comment', `a"b'c\\d`], 'and read back')
})

t.test('parts that are empty leave no gap', async (t) => {
  t.equal(rule`${always} -j RETURN`, '-j RETURN')
  t.equal(rule`${rule`-d 10.0.0.1/32`} ${always} -j RETURN`, '-d 10.0.0.1/32 -j RETURN')
  t.equal(rule`-p tcp ${always}`, '-p tcp')
  t.equal(always, '')
})

t.test('what is not one argument is none', async (t) => {
  const refused = { name: 'RuleError' }
  for (const [name, attack] of Object.entries(attacks)) {
    const text = attack('10.0.0.1')
    const isWord = /^[\w.:/]+$/.test(text) && text.length < 100
    if (isWord) t.equal(argument(text), text, name)
    else t.throws(() => argument(text), refused, name)
    t.equal(canonicalAddress(text, 'IPv4'), text === '0.0.0.0' ? text : undefined, name)
    t.equal(parseMaskedCidr(`${text}/32`, 'IPv4') === undefined, text !== '0.0.0.0', name)
    if (/^[ -~]{1,28}$/.test(text) && /^[\w.:/-]+$/.test(text)) continue
    t.throws(() => chainName(text), refused, name)
  }
  for (const text of ['', '-j', '!', 'a b', 'a\n', '"a"', 'ä', 'a\0'])
    t.throws(() => argument(text), refused, JSON.stringify(text))
  for (const text of ['', 'a\nb', 'a\0', 'ä', 'a'.repeat(256)]) t.throws(() => comment(text), refused)
  t.throws(() => chainName('a'.repeat(29)), refused)
  for (const port of [-1, 65_536, 1.5, Number.NaN]) t.throws(() => ports(port), refused)
  t.throws(() => ports(90, 80), refused)
  t.throws(() => count(JSON.parse('"80 -j ACCEPT"')), refused, 'whatever its type claims to be')
  t.throws(() => protocolWord(JSON.parse('"tcp -j ACCEPT"')), refused)
  try {
    argument(' ')
  } catch (error) {
    t.ok(isRuleError(error))
  }
})

t.test('whoever forges a rule is stopped before it is written', async (t) => {
  const forged = JSON.parse('"-j RETURN\\n-A INPUT -j ACCEPT"') as Rule
  const chain: Chain = { name: chainName('PODWAY-A'), rules: [forged] }
  t.throws(() => renderEdits([{ table: 'nat', chains: [chain] }]), { name: 'RuleError' })
  t.equal(
    renderEdits([{ table: 'nat', chains: [{ ...chain, rules: [rule`-j RETURN`] }] }]),
    '*nat\n:PODWAY-A - [0:0]\n-A PODWAY-A -j RETURN\nCOMMIT\n',
  )
  t.equal(renderQuestions([{ table: 'nat', chains: [chain.name] }]), '*nat\n-S PODWAY-A\nCOMMIT\n')
})

t.test('plain text is refused by the compiler', async (t) => {
  const text: string = '-j ACCEPT'
  // @ts-expect-error: a text is not an argument
  t.equal(rule`-d 10.0.0.1/32 ${text}`, '-d 10.0.0.1/32 -j ACCEPT')
  // @ts-expect-error: nor a rule
  const chain: Chain = { name: chainName('PODWAY-A'), rules: [text] }
  t.equal(chain.rules.length, 1)
})
