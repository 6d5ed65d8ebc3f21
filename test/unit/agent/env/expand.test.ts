import t from 'tap'
import { expand } from '../../../../src/agent/env/expand.ts'

const values: Readonly<Record<string, string>> = { A: 'a', B: '$(A)', EMPTY: '' }

for (const { text, becomes } of [
  { text: 'plain', becomes: 'plain' },
  { text: '$(A)', becomes: 'a' },
  { text: 'x$(A)y$(A)', becomes: 'xaya' },
  { text: '$(B)', becomes: '$(A)' },
  { text: '[$(EMPTY)]', becomes: '[]' },
  { text: '$(UNKNOWN)', becomes: '$(UNKNOWN)' },
  { text: '$$(A)', becomes: '$(A)' },
  { text: '$$$(A)', becomes: '$a' },
  { text: '$$$$(A)', becomes: '$$(A)' },
  { text: '$A $[A]', becomes: '$A $[A]' },
  { text: '$(A', becomes: '$(A' },
  { text: 'cost: 5$', becomes: 'cost: 5$' },
  { text: '$$', becomes: '$' },
  { text: '$()', becomes: '$()' },
])
  t.test(`${text} becomes ${becomes}`, async (t) =>
    t.equal(
      expand(text, (name) => values[name]),
      becomes,
    ),
  )
