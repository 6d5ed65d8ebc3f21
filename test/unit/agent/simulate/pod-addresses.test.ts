import t from 'tap'
import { createSimulatedAddresses } from '../../../../src/agent/simulate/pod-addresses.ts'

const nobody = () => []

t.test('an address of each range, the same again for the same pod', async (t) => {
  const addresses = createSimulatedAddresses()
  const pods = { node: 'sim-0', podCIDRs: ['10.244.0.0/24', 'fd00:244::/64'], known: nobody }
  t.same(addresses.assign(pods, 'a'), ['10.244.0.2', 'fd00:244::2'])
  t.same(addresses.assign(pods, 'b'), ['10.244.0.3', 'fd00:244::3'])
  t.same(addresses.assign(pods, 'a'), ['10.244.0.2', 'fd00:244::2'])
})

t.test('what pods have already is nobody else’s, and what is none of the range harms nobody', async (t) => {
  const addresses = createSimulatedAddresses()
  const known = () => [
    { uid: 'a', addresses: ['10.244.0.2'] },
    { uid: 'b', addresses: ['10.244.0.2'] },
    { uid: 'c', addresses: ['192.0.2.7', 'nonsense'] },
  ]
  t.same(addresses.assign({ node: 'sim-0', podCIDRs: ['10.244.0.0/24'], known }, 'new'), ['10.244.0.3'])
})

t.test('full is full, until a pod goes', async (t) => {
  const addresses = createSimulatedAddresses()
  const pods = { node: 'sim-0', podCIDRs: ['10.244.0.0/30'], known: nobody }
  t.same(addresses.assign(pods, 'a'), ['10.244.0.2'])
  t.throws(() => addresses.assign(pods, 'b'), { name: 'PoolExhausted' })
  addresses.release('sim-0', 'a')
  addresses.release('sim-9', 'a')
  t.same(addresses.assign(pods, 'b'), ['10.244.0.2'])
})

t.test('a node that is made anew has other ranges', async (t) => {
  const addresses = createSimulatedAddresses()
  addresses.assign({ node: 'sim-0', podCIDRs: ['10.244.0.0/24'], known: nobody }, 'a')
  t.same(addresses.assign({ node: 'sim-0', podCIDRs: ['10.244.7.0/24'], known: nobody }, 'a'), ['10.244.7.2'])
})
