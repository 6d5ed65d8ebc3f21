import t from 'tap'
import { oomScoreAdjustment } from '../../../../src/agent/pods/oom-score.ts'

t.test('who is ended first', async (t) => {
  t.equal(oomScoreAdjustment('Guaranteed', 0, 1000), -997)
  t.equal(oomScoreAdjustment('BestEffort', 0, 1000), 1000)
  t.equal(oomScoreAdjustment('Burstable', 250, 1000), 750)
  t.equal(oomScoreAdjustment('Burstable', 0, 1000), 999)
  t.equal(oomScoreAdjustment('Burstable', 1000, 1000), 3)
  t.equal(oomScoreAdjustment('Burstable', 5000, 1000), 3)
})
