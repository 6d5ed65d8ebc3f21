import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { apiServersOf, keepApiServers, readApiServers } from '../../../src/agent/api-servers.ts'
import { createLocalCopy } from '../../../src/api/local-copy.ts'
import { serviceOfSlice } from '../../../src/api/slices.ts'
import type { EndpointSlice } from '../../../src/api/types/index.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { until } from '../../support/until.ts'

const slice = (addresses: readonly string[], more: object = {}): EndpointSlice => ({
  ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
  metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
  ...more,
})

t.test('the servers of slices', async (t) => {
  t.same(apiServersOf([slice(['192.0.2.2', '192.0.2.1']), slice(['2001:db8::1'])]), [
    'https://192.0.2.1:6443',
    'https://192.0.2.2:6443',
    'https://[2001:db8::1]:6443',
  ])
  t.same(apiServersOf([slice(['evil.example', '192.0.2.1/../x', '']), slice(['192.0.2.1'], { ports: [] })]), [])
  t.same(apiServersOf([slice([], { endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: false } }] })]), [])
  const many = Array.from({ length: 300 }, (_, n) => `192.0.2.${n % 250}`)
  t.equal(apiServersOf([slice(many)]).length, 16)
})

t.test('they outlive the process, and none of them is never written down', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'api-servers.json')
  const copy = createLocalCopy<EndpointSlice>('endpointslices', { service: serviceOfSlice })
  const stop = new AbortController()
  let told = 0
  const onWritten = async () => void told++
  keepApiServers(copy.reader, file, onWritten, silentLogger, stop.signal)
  t.same(await readApiServers(file), [])
  copy.set('default/kubernetes', slice(['192.0.2.1', '192.0.2.2']))
  await until(async () => (await readApiServers(file)).length === 2, 'the file')
  copy.set('default/kubernetes', slice([]))
  copy.set('default/kubernetes', undefined)
  copy.set('default/kubernetes', slice(['192.0.2.3']))
  await until(async () => (await readApiServers(file)).length === 1, 'the next')
  t.equal(readFileSync(file, 'utf8'), '["https://192.0.2.3:6443"]')
  await until(() => told === 2, 'both to be told')
  stop.abort()
})

t.test('a damaged file names nobody', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'api-servers.json')
  for (const text of ['', '{}', '[1]', '["http://192.0.2.1:6443"]', '["x"]', '[']) {
    writeFileSync(file, text)
    t.same(await readApiServers(file), [], text)
  }
})
