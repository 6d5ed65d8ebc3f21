/** The control plane's own certificates are renewed while it runs. */
import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { keepCertificates } from '../../../../src/control/auth/keep-certificates.ts'
import type { Pki } from '../../../../src/control/auth/pki.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { turns } from '../../../support/until.ts'

const pkiOf = (serial: string): Pki => {
  const pair = { cert: serial, key: 'key' }
  const tokens = { signing: 'key', trusted: [] }
  return { authority: pair, server: pair, client: pair, frontProxy: pair, admin: pair, tokens }
}

t.test('looked at every day, and sooner after a failure', async (t) => {
  const clock = createFakeClock()
  const stop = new AbortController()
  const used: string[] = []
  let opened = 0
  let next: Pki | undefined = pkiOf('first')
  const running = keepCertificates(
    {
      ...{ clock, log: silentLogger, current: pkiOf('first') },
      open: async () => {
        opened++
        if (!next) throw new Error('the disk is full')
        return next
      },
      use: async ({ server }) => void used.push(server.cert),
    },
    stop.signal,
  )
  const pass = async (hours: number): Promise<void> => {
    clock.advance(hours * 3_600_000)
    await turns()
  }
  await pass(23)
  t.equal(opened, 0)
  await pass(1)
  t.equal(opened, 1)
  t.same(used, [], 'they are good')
  next = undefined
  await pass(24)
  next = pkiOf('second')
  await pass(1)
  t.equal(opened, 3)
  t.same(used, ['second'])
  await pass(24)
  t.same(used, ['second'], 'once')
  stop.abort()
  await running
})
