/** Certificates are renewed before they end, without a restart. */
import t from 'tap'
import { renewAt, runRenewal } from '../../../../src/agent/certificates/renewal.ts'
import { createAuthority, issueCertificate, validForSeconds } from '../../../../src/api/certificates.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { until } from '../../../support/until.ts'

const dayMs = 86_400_000
const clock = createFakeClock()
const authority = await createAuthority('test', validForSeconds(400 * 86_400, clock.now()))
const issue = async (seconds: number): Promise<string> =>
  (await issueCertificate(authority, { commonName: 'n1' }, validForSeconds(seconds, clock.now()), 'client')).cert

t.test('between 70 and 90 % of its life', async (t) => {
  const now = clock.now()
  const pem = await issue(30 * 86_400)
  const days = (at: number) => (at - now) / dayMs
  t.ok(Math.abs(days(renewAt(pem, 0)) - 21) < 0.1)
  t.ok(Math.abs(days(renewAt(pem, 1)) - 27) < 0.1)
  const short = await issue(20)
  t.ok(renewAt(short, 0) > now + 10_000, 'also where it is short')
})

t.test('again and again, and after failures', async (t) => {
  let current: string | undefined
  let renewals = 0
  let isBroken = false
  const failures: number[] = []
  const stop = new AbortController()
  const running = runRenewal(
    {
      ...{ clock, random: () => 0.5, current: () => current },
      renew: async () => {
        if (isBroken) throw new Error('the control plane is away')
        current = await issue(40 * 86_400)
        renewals++
      },
      onError: (_error, retryInMs) => failures.push(retryInMs),
    },
    stop.signal,
  )
  await until(() => renewals === 1, 'the first, at once')
  const pass = async (days: number, isDone: () => boolean): Promise<void> => {
    for (let day = 0; day < days && !isDone(); day++) {
      clock.advance(dayMs)
      await new Promise(setImmediate)
      await new Promise(setImmediate)
    }
  }
  await pass(30, () => false)
  t.equal(renewals, 1, 'not before its time, however long a timer can be')
  isBroken = true
  await until(async () => {
    await pass(1, () => false)
    return failures.length > 2
  }, 'failures')
  t.same(failures.slice(0, 3), [1_000, 2_000, 4_000])
  isBroken = false
  await until(async () => {
    clock.advance(60_000)
    await new Promise(setImmediate)
    return renewals === 2
  }, 'the second')
  stop.abort()
  await running
})
