/** Pods that have to go for others. */
import t from 'tap'
import { createClient } from '../../../../src/api/client.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { conflict, notFound } from '../../../../src/api/errors.ts'
import type { ApiRequest } from '../../../../src/api/transport.ts'
import { evictFor } from '../../../../src/control/scheduler/evict.ts'
import { pod } from './cluster-of.ts'

const names = { group: '', plural: 'pods' }

/** What was asked of the server, and what was told of the victim. */
const evict = async (answer: (request: ApiRequest) => unknown) => {
  const [asked, told]: [string[], string[]] = [[], []]
  const client = createClient({
    request: async (request) => {
      asked.push(request.method)
      return answer(request)
    },
    watch: async function* () {},
  })
  const events = {
    record: (_about: unknown, _type: unknown, reason: string) => void told.push(reason),
    flush: async () => undefined,
  }
  const context = { client, clock: createFakeClock(), events, schedulerName: 'default-scheduler' }
  const error = await evictFor(pod('important'), pod('victim'), 'n1', context).catch((reason: unknown) => reason)
  return { asked, told, error }
}

t.test('it is told, and deleted', async (t) => {
  t.same(await evict(() => pod('victim')), { asked: ['PATCH', 'DELETE'], told: ['Preempted'], error: undefined })
})

t.test('one that the agent writes in the same moment is tried again', async (t) => {
  let left = 2
  const { asked, told } = await evict(({ method }) => {
    if (method === 'PATCH' && left-- > 0) throw conflict(names, 'victim', 'it has changed')
    return pod('victim')
  })
  t.same([asked, told], [['PATCH', 'GET', 'PATCH', 'GET', 'PATCH', 'DELETE'], ['Preempted']])
})

t.test('one that cannot be told is not held for one that goes', async (t) => {
  const { error, told } = await evict(({ method }) => {
    if (method === 'PATCH') throw conflict(names, 'victim', 'it has changed')
    return pod('victim')
  })
  t.match(error, { message: /changes all the time/ })
  t.same(told, [])
})

t.test('one that is gone needs nothing', async (t) => {
  const { error, told } = await evict(() => {
    throw notFound(names, 'victim')
  })
  t.same([error, told], [undefined, []])
})
