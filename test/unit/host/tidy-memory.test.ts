import t from 'tap'
import { createTidying } from '../../../src/host/tidy-memory.ts'

t.test('garbage goes when there is enough of it and nobody is waiting', async (t) => {
  let [cpu, used, collections] = [0, 100, 0]
  const tick = createTidying({
    cpuMs: () => cpu,
    used: () => used,
    collect: () => {
      collections++
      used = 80
    },
  })
  /** How often it has collected after ten seconds with so much work and garbage. */
  const after = (work: number, garbage: number): number => {
    cpu += work
    used += garbage
    tick()
    return collections
  }
  t.equal(after(4_000, 10), 0, 'busy with the start')
  t.equal(after(50, 0), 1, 'the start is over')
  t.equal(after(50, 10), 1, 'hardly anything to collect')
  t.equal(after(9_000, 200), 1, 'busy: V8 collects by itself')
  t.equal(after(50, 0), 2, 'the burst is over')
})
