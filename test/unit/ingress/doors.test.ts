/** Doors that open late, and those that nobody wants any more. */
import t from 'tap'
import { createFakeClock } from '../../../src/api/clock.ts'
import { createDoors } from '../../../src/proxy/ingress/thread/doors.ts'

const start = () => {
  const clock = createFakeClock()
  const state = { isTaken: false, open: [] as string[], problems: [] as string[] }
  const relay = {
    listen: async (entry: string, { port, address }: { readonly port: number; readonly address: string }) => {
      await Promise.resolve()
      if (state.isTaken) throw new Error('EADDRNOTAVAIL')
      state.open.push(entry)
      return { port, address, family: 'IPv4' }
    },
    unlisten: async (entry: string) => {
      state.open = state.open.filter((each) => each !== entry)
    },
  }
  const doors = createDoors(relay, clock, (problem) => state.problems.push(problem))
  return { clock, state, doors }
}

const own = { entry: '192.0.2.1 port 80', port: 80, tls: false, address: '192.0.2.1', reusePort: true }
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

t.test('a door that cannot be had is tried again', async (t) => {
  const { clock, state, doors } = start()
  state.isTaken = true
  t.equal(await doors.open(own), undefined)
  t.match(state.problems, [/192.0.2.1 port 80: EADDRNOTAVAIL/])
  clock.advance(5_000)
  await settle()
  t.equal(state.problems.length, 2)
  state.isTaken = false
  clock.advance(5_000)
  await settle()
  t.same(state.open, [own.entry])
  clock.advance(60_000)
  await settle()
  t.same(state.open, [own.entry], 'once')
})

t.test('a door that was closed does not open later', async (t) => {
  const { clock, state, doors } = start()
  state.isTaken = true
  await doors.open(own)
  doors.close(own.entry)
  state.isTaken = false
  clock.advance(60_000)
  await settle()
  t.same(state.open, [])
})

t.test('who stops tries no more', async (t) => {
  const { clock, state, doors } = start()
  state.isTaken = true
  await doors.open(own)
  doors.stop()
  clock.advance(60_000)
  await settle()
  t.equal(state.problems.length, 1)
})

t.test('closed while it opens, and wanted again', async (t) => {
  const { state, doors } = start()
  const opening = doors.open(own)
  doors.close(own.entry)
  await opening
  await settle()
  t.same(state.open, [], 'it is closed as soon as it is open')
  doors.close(own.entry)
  t.equal(await doors.open(own), 80)
  await settle()
  t.same(state.open, [own.entry])
})
