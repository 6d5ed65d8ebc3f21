import t from 'tap'
import { isSaid, withCondition } from '../../../src/api/conditions.ts'

const early = '2026-01-01T00:00:00Z'
const now = Date.UTC(2026, 0, 2)
const late = '2026-01-02T00:00:00Z'
const ready = { type: 'Ready', status: 'True', reason: 'Up', lastTransitionTime: early }
const other = { type: 'Other', status: 'True', lastTransitionTime: early }

t.test('one of each type, where it was, since its status changed', async (t) => {
  const finding = { type: 'Ready', status: 'True', reason: 'StillUp', message: 'm' }
  t.same(withCondition(undefined, finding, now), [{ ...finding, lastTransitionTime: late }])
  t.same(withCondition([other], finding, now), [other, { ...finding, lastTransitionTime: late }])
  t.same(withCondition([ready, other], finding, now), [{ ...finding, lastTransitionTime: early }, other])
  const down = { type: 'Ready', status: 'False' }
  t.same(withCondition([ready, other], down, now), [{ ...down, lastTransitionTime: late }, other])
  const timeless = { type: 'Ready', status: 'True', lastTransitionTime: null }
  t.same(withCondition([timeless], finding, now), [{ ...finding, lastTransitionTime: late }], 'nobody knows since when')
})

t.test('what is said already', async (t) => {
  t.ok(isSaid([other, ready], { type: 'Ready', status: 'True', reason: 'Up' }))
  t.notOk(isSaid([ready], { type: 'Ready', status: 'True', reason: 'Down' }))
  t.notOk(isSaid([ready], { type: 'Ready', status: 'False', reason: 'Up' }))
  t.notOk(isSaid(undefined, ready))
})
