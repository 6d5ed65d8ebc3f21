import t from 'tap'
import { hostWord, prefixWord, rangeMatch } from '../../../../src/host/netfilter/address-words.ts'
import { addressOf } from '../../../../src/ip/address.ts'
import { cidrOf } from '../../../../src/ip/cidr.ts'

t.test('addresses and ranges are written as iptables-save writes them', async (t) => {
  t.equal(prefixWord('0a6', 'IPv4'), '10.96.0.0/12')
  t.equal(prefixWord('fd000096', 'IPv6'), 'fd00:96::/32')
  t.same([hostWord(addressOf('10.0.0.1')), hostWord(addressOf('FD00::1'))], ['10.0.0.1/32', 'fd00::1/128'])
  t.same([rangeMatch('-s', cidrOf('0.0.0.0/0')), rangeMatch('-d', cidrOf('10.1.0.0/16'))], ['', '-d 10.1.0.0/16'])
})
