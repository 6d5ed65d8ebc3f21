import t from 'tap'
import { createReadiness } from '../../../../src/agent/parts/readiness.ts'

t.test('a node is ready when all that has begun serves', async (t) => {
  const readiness = createReadiness()
  let told = 0
  readiness.onChange(() => told++)
  t.same(readiness.problems(), [])
  readiness.begins('network', 'no network')
  readiness.begins('dns', 'no names')
  readiness.serves('network')
  t.same(readiness.problems(), ['no names'])
  readiness.serves('network')
  t.equal(told, 3, 'nothing has changed')
  readiness.serves('dns')
  t.same(readiness.problems(), [])
  readiness.begins('network', 'another range')
  t.same(readiness.problems(), ['another range'])
})
