import t from 'tap'
import { durationOption } from '../../../src/commands/options.ts'

t.test('durations', async (t) => {
  for (const [text, seconds] of Object.entries({
    '0': 0,
    '45s': 45,
    '500ms': 0.5,
    '30m': 1800,
    '24h': 86_400,
    '1h30m': 5400,
    '7d': 604_800,
  }))
    t.equal(durationOption(text), seconds, text)
  for (const bad of ['', '24', '-1h', '1.5h', 'h', '1h ', '1w', 'soon'])
    t.throws(() => durationOption(bad), /such as 30m/, bad)
})
