import t from 'tap'
import type { CertificateSigningRequest } from '../../../../../src/api/types/index.ts'
import { goesAt } from '../../../../../src/control/controllers/certificates/cleaner.ts'

const at = (hours: number): string => new Date(Date.UTC(2026, 0, 1, hours)).toISOString()

const request = (...conditions: readonly (readonly [type: string, hours: number])[]): CertificateSigningRequest => ({
  ...{ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' },
  metadata: { name: 'r', creationTimestamp: at(0) },
  spec: { request: '', signerName: 'x/y', usages: [] },
  status: { conditions: conditions.map(([type, hours]) => ({ type, status: 'True', lastUpdateTime: at(hours) })) },
})

t.test('when a request goes', async (t) => {
  const hours = (...conditions: readonly (readonly [type: string, hours: number])[]): number =>
    (goesAt(request(...conditions)) - Date.UTC(2026, 0, 1)) / 3_600_000
  t.equal(hours(), 24, 'what waits, after a day')
  t.equal(hours(['Approved', 0]), 1)
  t.equal(hours(['Approved', 20]), 21, 'approved late: whoever asked for it may still fetch it')
  t.equal(hours(['Denied', 3]), 4)
  t.equal(hours(['Approved', 1], ['Failed', 2]), 3)
  t.equal(hours(['Seen', 5]), 24, 'a word of others decides nothing')
})
