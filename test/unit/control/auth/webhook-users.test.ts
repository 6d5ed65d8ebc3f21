/** Callers whose tokens somebody else knows. */
import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { createTokenWebhook } from '../../../../src/control/auth/webhook-users.ts'
import { silentLogger } from '../../../../src/host/log.ts'

const start = (answer: unknown) => {
  const clock = createFakeClock()
  const asked: unknown[] = []
  const known = createTokenWebhook({
    ask: async (review) => {
      asked.push(review)
      if (answer instanceof Error) throw answer
      return answer
    },
    ...{ clock, log: silentLogger, version: 'v1', cacheSeconds: 120 },
  })
  return { clock, asked, by: async (authorization: string) => known({ authorization }) }
}

t.test('whose token it is, and for how long that holds', async (t) => {
  const user = { username: 'alice', uid: 'u', groups: ['dev'], extra: { a: ['b'], c: 'd' } }
  const { clock, asked, by } = start({ status: { authenticated: true, user } })
  t.strictSame(await by('Bearer x'), { name: 'alice', groups: ['dev'], uid: 'u', extra: { a: ['b'] } })
  t.match(asked, [{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'x' } }])
  await by('Bearer x')
  t.equal(asked.length, 1)
  await by('Bearer y')
  t.equal(asked.length, 2)
  clock.advance(120_000)
  await by('Bearer x')
  t.equal(asked.length, 3)
  t.equal(await by('Basic x'), undefined)
  t.equal(asked.length, 3, 'passwords are told to nobody')
})

t.test('without an answer nobody comes in', async (t) => {
  for (const answer of [
    ...[null, {}, { status: { authenticated: false } }, { status: { authenticated: 'true', user: { username: 'a' } } }],
    ...[{ status: { authenticated: true } }, { status: { authenticated: true, user: { username: '' } } }],
    ...[{ status: { authenticated: true, user: { username: 'a', groups: 'system:masters' } } }, new Error('gone')],
  ])
    t.equal(await start(answer).by('Bearer x'), undefined, JSON.stringify(answer))
})
