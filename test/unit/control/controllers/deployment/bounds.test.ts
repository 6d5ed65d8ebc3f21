import t from 'tap'
import type { IntOrString } from '../../../../../src/api/types/index.ts'
import { boundsOf } from '../../../../../src/control/controllers/deployment/bounds.ts'
import { deployment } from './sets.ts'

const bounds = (replicas: number | undefined, maxSurge?: IntOrString, maxUnavailable?: IntOrString) => {
  const rollingUpdate = {
    ...(maxSurge === undefined ? {} : { maxSurge }),
    ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
  }
  const { desired, surge, unavailable } = boundsOf(
    deployment(replicas, { strategy: { type: 'RollingUpdate', rollingUpdate } }),
  )
  return `${desired} +${surge} -${unavailable}`
}

t.test('percentages of surge round up, of what may be missing down', async (t) => {
  t.equal(bounds(10, '25%', '25%'), '10 +3 -2')
  t.equal(bounds(4, '25%', '25%'), '4 +1 -1')
  t.equal(bounds(1, '25%', '25%'), '1 +1 -0')
  t.equal(bounds(3, '100%', '100%'), '3 +3 -3')
})

t.test('numbers stand as they are, up to what is there', async (t) => {
  t.equal(bounds(3, 2, 1), '3 +2 -1')
  t.equal(bounds(3, 5, 0), '3 +5 -0')
  t.equal(bounds(3, 0, 5), '3 +0 -3')
})

t.test('where neither more nor less would be allowed, one may be missing', async (t) => {
  t.equal(bounds(3, 0, 0), '3 +0 -1')
  t.equal(bounds(3, 0, '10%'), '3 +0 -1')
  t.equal(bounds(3), '3 +0 -1')
  t.equal(bounds(0, 0, 0), '0 +0 -0')
  t.equal(bounds(undefined, '25%', '25%'), '1 +1 -0')
})

t.test('Recreate knows no bounds', async (t) => {
  t.same(boundsOf(deployment(3, { strategy: { type: 'Recreate' } })), { desired: 3, surge: 0, unavailable: 0 })
  t.same(boundsOf(deployment(3)), { desired: 3, surge: 0, unavailable: 1 })
})
