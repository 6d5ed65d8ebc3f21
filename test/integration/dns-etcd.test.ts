/** Published records from a real etcd: all there are, every change, a restart. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { followEtcd } from '../../src/dns/skydns/etcd.ts'
import { createSkyTree } from '../../src/dns/skydns/tree.ts'
import { silentLogger } from '../../src/host/log.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'

const folder = await mkdtemp(join(tmpdir(), 'podway-etcd-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const [client, peer] = [await freePort(), await freePort()]
const endpoint = `http://127.0.0.1:${client}`

const post = async (path: string, body: object): Promise<Record<string, string>> => {
  const answer = await fetch(`${endpoint}${path}`, { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return answer.json() as Promise<Record<string, string>>
}
const encode = (text: string): string => Buffer.from(text).toString('base64')
const put = (path: string, record: object, lease?: string) =>
  post('/v3/kv/put', { key: encode(path), value: encode(JSON.stringify(record)), ...(lease ? { lease } : {}) })
const drop = (path: string) => post('/v3/kv/deleterange', { key: encode(path) })

const startEtcd = async () => {
  const child = spawn(
    'etcd',
    [
      ...['--data-dir', join(folder, 'data'), '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ...[
        '--listen-peer-urls',
        `http://127.0.0.1:${peer}`,
        '--initial-advertise-peer-urls',
        `http://127.0.0.1:${peer}`,
      ],
      ...['--initial-cluster', `default=http://127.0.0.1:${peer}`, '--log-level', 'error'],
    ],
    { stdio: 'ignore' },
  )
  const ended = once(child, 'exit')
  await until(
    () =>
      fetch(`${endpoint}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    'etcd',
    20_000,
  )
  return async () => {
    child.kill('SIGKILL')
    await ended
  }
}

t.test('records of etcd', { timeout: 90_000 }, async (t) => {
  let stopEtcd = await startEtcd()
  t.teardown(() => stopEtcd())
  await put('/skydns/local/skydns/a', { host: '10.0.0.1' })
  await put('/skydns/local/skydns/bad', { port: 'x' })
  await put('/other/x', { host: '10.0.0.2' })
  const tree = createSkyTree()
  const stop = new AbortController()
  const following = followEtcd(
    {
      endpoints: [endpoint],
      prefix: '/skydns',
      onEntries: (key, entries) => tree.set(key, entries),
      log: silentLogger,
    },
    stop.signal,
  )
  const hosts = (): readonly string[] =>
    tree
      .find('skydns.local')
      .map(({ record }) => record.host)
      .sort()
  await until(() => hosts().join() === '10.0.0.1', 'what was there')
  await put('/skydns/local/skydns/b', { host: '10.0.0.2' })
  await until(() => hosts().length === 2, 'a new one')
  await put('/skydns/local/skydns/b', { host: '10.0.0.3' })
  await until(() => hosts().join() === '10.0.0.1,10.0.0.3', 'a change')
  const { ID = '' } = await post('/v3/lease/grant', { TTL: '100' })
  await put('/skydns/local/skydns/leased', { host: '10.0.0.4' }, ID)
  await until(() => hosts().length === 3, 'one with a lease')
  t.ok((tree.find('leased.skydns.local')[0]?.record.ttl ?? 0) <= 100, 'no longer than its lease')
  await drop('/skydns/local/skydns/a')
  await until(() => hosts().length === 2, 'the end of one')

  await stopEtcd()
  t.equal(hosts().length, 2, 'while etcd is away what is known stays')
  stopEtcd = await startEtcd()
  await drop('/skydns/local/skydns/b')
  await put('/skydns/local/skydns/c', { host: '10.0.0.5' })
  await until(() => hosts().join() === '10.0.0.4,10.0.0.5', 'what happened meanwhile', 30_000)
  stop.abort()
  await following
})
