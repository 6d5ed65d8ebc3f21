/** Addresses of Gateways on a node: which rules guard them. The kernel's part is tested in a universe. */
import t from 'tap'
import { compileAddressRules, isGatewayChain } from '../../../src/proxy/ingress/own-addresses.ts'

t.test('what is served comes in, and nothing else but pings and what belongs to connections', async (t) => {
  const served = [
    { address: '192.0.2.1', ports: [80, 443] },
    { address: '2001:DB8::1', ports: [80] },
    { address: '192.0.2.1/24 -j ACCEPT', ports: [22] },
  ]
  t.same(compileAddressRules(served, 'IPv4'), [
    '-d 192.0.2.1/32 -p tcp -m tcp --dport 80 -j RETURN',
    '-d 192.0.2.1/32 -p tcp -m tcp --dport 443 -j RETURN',
    '-d 192.0.2.1/32 -p icmp -j RETURN',
    '-d 192.0.2.1/32 -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN',
    '-d 192.0.2.1/32 -j REJECT --reject-with icmp-port-unreachable',
  ])
  t.same(compileAddressRules(served, 'IPv6').at(0), '-d 2001:db8::1/128 -p tcp -m tcp --dport 80 -j RETURN')
  t.same(compileAddressRules(served, 'IPv6').length, 4)
  t.same(compileAddressRules([], 'IPv4'), [])
  t.same(['PODWAY-GATEWAYS', 'PODWAY-DNS'].map(isGatewayChain), [true, false])
})
