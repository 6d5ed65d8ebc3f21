import { Writable } from 'node:stream'
import t from 'tap'
import { drained } from '../../../src/host/drained.ts'

const fullStream = () => {
  const written: (() => void)[] = []
  const stream = new Writable({ highWaterMark: 1, write: (_bytes, _encoding, done) => void written.push(done) })
  return { stream, fill: () => stream.write('ab'), empty: () => written.shift()?.() }
}

t.test('a stream that is full is waited for, and keeps nothing of it', async (t) => {
  const { stream, fill, empty } = fullStream()
  for (let time = 0; time < 3; time++) {
    t.notOk(fill())
    const waiting = drained(stream)
    empty()
    await waiting
  }
  t.equal(stream.listenerCount('drain'), 0)
  t.equal(stream.listenerCount('close'), 0)
})

t.test('one that is gone is not waited for', async (t) => {
  const { stream, fill } = fullStream()
  t.notOk(fill())
  const waiting = drained(stream)
  stream.destroy()
  await t.resolves(waiting)
})
