import t from 'tap'
import { type Counts, scaledDown, scaledUp } from '../../../../src/commands/rolling-update/pace.ts'

t.test('how far each may go', async (t) => {
  const cases: readonly (readonly [counts: Counts, available: number, up: number, down: number])[] = [
    // At the start one pod more.
    [{ desired: 3, old: 3, next: 0 }, 0, 1, 3],
    // The new pod is not available yet: all old ones stay.
    [{ desired: 3, old: 3, next: 1 }, 0, 1, 3],
    [{ desired: 3, old: 3, next: 1 }, 1, 1, 2],
    [{ desired: 3, old: 2, next: 1 }, 1, 2, 2],
    [{ desired: 3, old: 1, next: 3 }, 2, 3, 1],
    // All new ones are there.
    [{ desired: 3, old: 1, next: 3 }, 3, 3, 0],
    // Without old pods there is no balance to keep.
    [{ desired: 5, old: 0, next: 1 }, 0, 5, 0],
    // Fewer in the end: the old ones go first.
    [{ desired: 1, old: 4, next: 0 }, 0, 0, 1],
    [{ desired: 1, old: 1, next: 0 }, 0, 1, 1],
    // None in the end.
    [{ desired: 0, old: 2, next: 0 }, 0, 0, 0],
    // Somebody has scaled the new one beyond.
    [{ desired: 2, old: 2, next: 4 }, 4, 4, 0],
  ]
  for (const [counts, available, up, down] of cases)
    t.same([scaledUp(counts), scaledDown(counts, available)], [up, down], JSON.stringify({ counts, available }))
})

t.test('never fewer available pods than wanted, nor more than one above, and always an end', async (t) => {
  for (let desired = 1; desired <= 6; desired++)
    for (let start = desired; start <= desired + 1; start++) {
      let counts: Counts = { desired, old: start, next: 0 }
      let steps = 0
      while (counts.next !== desired || counts.old !== 0) {
        counts = { ...counts, next: scaledUp(counts) }
        t.ok(counts.old + counts.next <= desired + 1)
        counts = { ...counts, old: scaledDown(counts, counts.next) }
        t.ok(counts.old + counts.next >= desired)
        if (++steps > 20) break
      }
      t.same(counts, { desired, old: 0, next: desired })
    }
})
