/** Agents that do not answer as they should delay nobody, and are told of once. */
import { createServer } from 'node:http'
import { duplexPair } from 'node:stream'
import t, { type Test } from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { createNodeReadings } from '../../../../src/control/metrics/node-readings.ts'
import { recordingLog } from '../../../support/recording-log.ts'

const start = (t: Test) => {
  const clock = createFakeClock()
  const { log, lines } = recordingLog()
  const state = { isBroken: true }
  const server = createServer(({ headers: { host } }, response) => {
    if (host === 'silent') return
    if (host === 'endless') {
      response.write('{"node":"'.padEnd(1024, 'x'))
      return
    }
    if (host === 'huge') return void response.end('x'.repeat(5 * 1024 * 1024))
    response.writeHead(state.isBroken ? 500 : 200)
    response.end(state.isBroken ? 'out of order' : '{}')
  })
  // Without sockets nothing else keeps the process waiting for a deadline.
  const waiting = setInterval(() => undefined, 60_000)
  t.teardown(() => {
    clearInterval(waiting)
    server.close()
  })
  const readings = createNodeReadings({
    ...{ clock, log, patienceMs: 200 },
    dialer: {
      open: async () => {
        const [near, far] = duplexPair()
        server.emit('connection', far)
        return near
      },
    },
  })
  return { clock, lines, readings, state }
}

t.test('silence, and answers without an end or that are too long', async (t) => {
  const { readings, lines } = start(t)
  const nodes = ['silent', 'endless', 'huge']
  t.strictSame(await Promise.all(nodes.map(readings.of)), [undefined, undefined, undefined])
  t.equal(lines.length, 3)
  t.match(JSON.stringify(lines), /the answer is too large/)
})

t.test('a failure is told of once, until it is over', async (t) => {
  const { clock, lines, readings, state } = start(t)
  const ask = async () => {
    clock.advance(5_000)
    return readings.of('node')
  }
  t.equal(await ask(), undefined)
  t.equal(await ask(), undefined)
  t.equal(lines.length, 1)
  t.match(JSON.stringify(lines[0]), /it answers 500: out of order/)
  state.isBroken = false
  t.strictSame((await ask())?.pods, new Map())
  state.isBroken = true
  t.equal(await ask(), undefined)
  t.equal(lines.length, 2)
})
