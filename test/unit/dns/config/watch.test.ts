import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { followDnsConfig, readDnsConfig } from '../../../../src/dns/config/watch.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { until } from '../../../support/until.ts'

t.test('a new file is taken over, a wrong one is not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-dns-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'dns.yaml')
  await writeFile(file, 'ttl: 1')
  const first = await readDnsConfig(file)
  t.equal(first.config.ttl, 1)
  const seen: number[] = []
  const told: unknown[] = []
  // As much of a logger as is used here.
  const log = {
    ...silentLogger,
    info: () => {},
    error: (what: unknown) => told.push(what),
  } as unknown as typeof silentLogger
  const stop = new AbortController()
  const clock = {
    now: Date.now,
    after: (_ms: number, then: () => void) => {
      const timer = setTimeout(then, 10)
      return () => clearTimeout(timer)
    },
  }
  const running = followDnsConfig(first, ({ ttl }) => seen.push(ttl), log, stop.signal, clock)
  /** As a whole, as careful writers do: an empty file says something, too. */
  const put = async (text: string): Promise<void> => {
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  }
  await put('ttl: 2')
  await until(() => seen.length === 1, 'the new one')
  await put('ttl: soon')
  await until(() => told.length === 1, 'the complaint')
  t.match(told, [{ err: /dns\.yaml:1: ttl: expected a whole number/ }])
  await put('ttl: 3')
  await until(() => seen.length === 2, 'the next')
  t.same(seen, [2, 3])
  stop.abort()
  await running
})
