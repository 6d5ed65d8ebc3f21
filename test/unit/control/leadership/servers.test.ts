import t from 'tap'
import type { Lease } from '../../../../src/api/types/index.ts'
import {
  census,
  isServerLease,
  placeAnnotation,
  readPlace,
  serverLabel,
} from '../../../../src/control/leadership/servers.ts'

const lease = (name: string, place: string, renewTime: string): Lease => ({
  ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
  metadata: {
    ...{ name, namespace: 'kube-system', labels: { [serverLabel]: '' } },
    annotations: { [placeAnnotation]: place },
  },
  spec: { holderIdentity: name, leaseDurationSeconds: 10, renewTime },
})

t.test('who renews is alive, by the clock of the one who looks', async (t) => {
  const both = [lease('b', '192.0.2.2 6443', 't1'), lease('a', '192.0.2.1 6443', 't1')]
  const first = census(both, new Map(), 1_000)
  t.same(first.alive, [
    { address: '192.0.2.1', port: 6443 },
    { address: '192.0.2.2', port: 6443 },
  ])
  t.same(first.over, [])
  const renewed = [lease('b', '192.0.2.2 6443', 't2'), lease('a', '192.0.2.1 6443', 't1')]
  const second = census(renewed, first.sightings, 9_000)
  t.equal(second.alive.length, 2)
  t.equal(second.nextMs, 2_000, 'when the next one may be over')
  const third = census(renewed, second.sightings, 11_000)
  t.same(third.alive, [{ address: '192.0.2.2', port: 6443 }])
  t.same(
    third.over.map(({ metadata }) => metadata.name),
    ['a'],
  )
})

t.test('what a Lease says is no address until it is read', async (t) => {
  for (const bad of ['', '192.0.2.1', '192.0.2.1 0', '192.0.2.1 65536', '192.0.2.1 1e3', 'host 6443', '192.0.2.1 1 2'])
    t.equal(readPlace(lease('a', bad, 't')), undefined, bad)
  t.same(readPlace(lease('a', '2001:db8::1 6443', 't')), { address: '2001:db8::1', port: 6443 })
  t.ok(isServerLease(lease('a', '', 't')))
  t.notOk(isServerLease({ ...lease('a', '', 't'), metadata: { name: 'a', namespace: 'kube-system' } }))
  t.notOk(
    isServerLease({ ...lease('a', '', 't'), metadata: { ...lease('a', '', 't').metadata, namespace: 'default' } }),
  )
})
