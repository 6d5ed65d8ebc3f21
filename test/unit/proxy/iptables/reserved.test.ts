import t from 'tap'
import { addressOf } from '../../../../src/ip/address.ts'
import { isReserved, nothingReserved, reservedPlace, reservedPort } from '../../../../src/proxy/iptables/reserved.ts'

const reserved = {
  ports: new Set([reservedPort('tcp', 10_250), reservedPort('udp', 8_472)]),
  places: new Set([reservedPlace('172.30.0.2', 6_443)]),
  isNodeAddress: (address: string) => address === '172.30.0.11',
}

t.test('ports that nodes serve, at the addresses of nodes', async (t) => {
  const node = addressOf('172.30.0.11')
  const other = addressOf('203.0.113.5')
  t.equal(isReserved(reserved, 'tcp', 10_250, node), true)
  t.equal(isReserved(reserved, 'tcp', 10_250, other), false)
  t.equal(isReserved(reserved, 'udp', 10_250, node), false)
  t.equal(isReserved(reserved, 'udp', 8_472, node), true)
  t.equal(isReserved(reserved, 'tcp', 10_251, node), false)
  t.equal(isReserved(reserved, 'tcp', 10_250), true, 'without an address, as a node port')
  t.equal(isReserved(reserved, 'tcp', 6_443), false)
})

t.test('the place of the API server, whoever has the address', async (t) => {
  const place = addressOf('172.30.0.2')
  t.equal(isReserved(reserved, 'tcp', 6_443, place), true)
  t.equal(isReserved(reserved, 'udp', 6_443, place), false)
  t.equal(isReserved(reserved, 'tcp', 6_444, place), false)
  t.equal(isReserved(reserved, 'tcp', 6_443, addressOf('172.30.0.3')), false)
})

t.test('nothing, where nothing is said', async (t) => {
  t.equal(isReserved(nothingReserved, 'tcp', 10_250), false)
  t.equal(isReserved(nothingReserved, 'tcp', 6_443, addressOf('172.30.0.2')), false)
  t.equal(nothingReserved.isNodeAddress('172.30.0.11'), false)
})
