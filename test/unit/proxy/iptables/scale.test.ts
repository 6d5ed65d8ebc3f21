/** How many rules a packet meets where there are many Services. */
import t from 'tap'
import { tracePacket } from '../../../../src/host/netfilter/trace.ts'
import { makeService, makeSlice } from '../support/objects.ts'
import { loadRules, tracedTables } from '../support/rules.ts'

const host = { addresses: ['192.0.2.1'] }
const here = { address: '10.1.0.2', node: 'here' }
const fromPod = { from: '10.1.0.7', port: 80 }

const manyServices = (count: number) =>
  Array.from({ length: count }, (_, at) => {
    const name = `web-${at}`
    const number = (at * 7919) % 65_536
    const clusterIP = `10.96.${number >> 8}.${number & 255}`
    return { service: makeService({ name, clusterIP }), slices: [makeSlice([here], { service: name })] }
  })

t.test('10,000 Services are few rules for each packet, and deep traffic passes by', async (t) => {
  const objects = manyServices(10_000)
  const tables = tracedTables(await loadRules(objects))
  const walked = objects
    .filter((_, at) => at % 97 === 0)
    .map(({ service }) => tracePacket(tables, { ...fromPod, to: service.spec.clusterIP ?? '' }, host)[0]?.rules ?? 1e9)
  t.ok(walked.length > 100)
  t.ok(Math.max(...walked) <= 80, `at most ${Math.max(...walked)} rules to a Service`)
  const [direct] = tracePacket(tables, { ...fromPod, to: '10.1.9.2' }, host)
  t.ok((direct?.rules ?? 1e9) <= 30, `${direct?.rules} rules for traffic that is for no Service`)
})
