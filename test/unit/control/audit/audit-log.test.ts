/** The file of the audit log, and what is written of requests. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { unauthorized } from '../../../../src/api/errors.ts'
import { createAuditLog } from '../../../../src/control/audit/log-file.ts'
import { parsePolicy } from '../../../../src/control/audit/policy.ts'
import { createAuditing } from '../../../../src/control/server/auditing.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { callOf, type Json } from '../../../support/api-server.ts'
import { until } from '../../../support/until.ts'

const folderOf = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-audit-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}
const settings = { maxBytes: 200, maxBackups: 2, maxAgeDays: 0 }

t.test('a file that is full is set aside, and so many are kept', async (t) => {
  const folder = folderOf(t)
  const path = join(folder, 'audit.log')
  const clock = createFakeClock()
  const log = createAuditLog({ ...settings, path }, clock, silentLogger)
  for (let at = 1; at <= 5; at++) {
    log.write({ at, text: 'x'.repeat(120) })
    await until(() => log.counts.written === at, 'a line')
    clock.advance(1000)
  }
  await log.close()
  const names = readdirSync(folder).sort()
  t.equal(names.length, 3, String(names))
  t.match(names[0], /^audit-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.log$/)
  t.same(
    names.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).at),
    [3, 4, 5],
  )
  t.equal(statSync(path).mode & 0o777, 0o600, 'for nobody else')
})

t.test('what cannot be written is counted and said once, and it goes on when it can', async (t) => {
  const folder = folderOf(t)
  const path = join(folder, 'audit.log')
  mkdirSync(path)
  const clock = createFakeClock()
  const said: string[] = []
  const tell = (_what: unknown, message: string) => void said.push(message)
  const logger = { ...silentLogger, error: tell, warn: tell } as unknown as typeof silentLogger
  const log = createAuditLog({ ...settings, path }, clock, logger)
  log.write({ at: 1 })
  await until(() => log.counts.lost === 1, 'the loss')
  log.write({ at: 2 })
  clock.advance(1000)
  await until(() => log.counts.lost === 2, 'the second')
  t.equal(said.length, 1)
  rmSync(path, { recursive: true })
  log.write({ at: 3 })
  clock.advance(1000)
  await until(() => log.counts.written === 1, 'what came afterwards')
  t.match(said, [/cannot write the audit log/, /is written again/])
  t.same(JSON.parse(readFileSync(path, 'utf8')), { at: 3 })
  await log.close()
  chmodSync(folder, 0o700)
})

t.test('events of requests', async (t) => {
  const events: Json[] = []
  const log = {
    write: (event: object) => void events.push(JSON.parse(JSON.stringify(event))),
    counts: { written: 0, lost: 0 },
    close: async () => undefined,
  }
  const policy = parsePolicy(`apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - {level: None, nonResourceURLs: [/healthz]}
  - {level: RequestResponse, resources: [{group: '', resources: [configmaps]}], omitStages: [RequestReceived], omitManagedFields: true}
  - {level: Metadata}
`)
  const { step, refused } = createAuditing({ policy, log, clock: createFakeClock() })
  const never = new AbortController().signal
  const user = { name: 'alice', groups: ['dev'] }
  const headers = { 'x-forwarded-for': ['203.0.113.9'] }
  const object = { metadata: { name: 'c', managedFields: [] } }
  const post = {
    ...callOf('POST', '/api/v1/namespaces/a/configmaps?dryRun=All', { user, headers, body: object }, never),
    id: 'mine',
  }
  await step(post, async (call) => {
    call.trail?.actsAs({ name: 'bob', groups: [] })
    call.trail?.annotate('authorization.k8s.io/decision', 'allow')
    await call.body()
    return { kind: 'object', code: 201, object: { ...object, kind: 'ConfigMap' } }
  })
  t.equal(events.length, 1)
  t.match(events[0], {
    ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'RequestResponse', stage: 'ResponseComplete' },
    ...{
      auditID: 'mine',
      requestURI: '/api/v1/namespaces/a/configmaps?dryRun=All',
      verb: 'create',
      userAgent: 'test/1',
    },
    ...{ user: { username: 'alice', groups: ['dev'] }, impersonatedUser: { username: 'bob', groups: [] } },
    ...{ sourceIPs: ['203.0.113.9', '192.0.2.1'], responseStatus: { metadata: {}, code: 201 } },
    objectRef: { resource: 'configmaps', namespace: 'a', apiVersion: 'v1' },
    annotations: { 'authorization.k8s.io/decision': 'allow' },
  })
  t.strictSame(events[0]?.['requestObject'], { metadata: { name: 'c' } })
  t.strictSame(events[0]?.['responseObject'], { metadata: { name: 'c' }, kind: 'ConfigMap' })

  events.length = 0
  const get = callOf('GET', '/api/v1/namespaces/a/secrets/s', { user, body: { secret: 1 } }, never)
  await t.rejects(async () =>
    step(get, async (call) => {
      await call.body()
      throw unauthorized()
    }),
  )
  t.match(events, [
    { stage: 'RequestReceived', verb: 'get' },
    { stage: 'ResponseComplete', responseStatus: { status: 'Failure', reason: 'Unauthorized', code: 401 } },
  ])
  t.notMatch(JSON.stringify(events), /"secret":1/, 'metadata alone')
  await t.rejects(async () =>
    step(get, () => {
      throw new Error('a fault of ours, in /var/lib')
    }),
  )
  t.match(events.at(-1), { stage: 'Panic', responseStatus: { code: 500 } })
  t.notMatch(JSON.stringify(events), /var\/lib/)

  events.length = 0
  const watch = await step(callOf('GET', '/api/v1/pods?watch=1', { user }, never), () => ({
    kind: 'watch',
    run: async () => undefined,
  }))
  t.same(
    events.map(({ stage }) => stage),
    ['RequestReceived'],
  )
  if (watch.kind !== 'watch') throw new Error('not a watch')
  await watch.run(() => undefined, never)
  t.same(
    events.map(({ stage }) => stage),
    ['RequestReceived', 'ResponseStarted', 'ResponseComplete'],
  )

  events.length = 0
  await step(callOf('GET', '/healthz', { user }, never), () => ({ kind: 'bytes', contentType: '', bytes: '' }))
  t.equal(events.length, 0)
  refused({ ...get, credentials: {} }, unauthorized())
  t.match(events, [{ stage: 'ResponseStarted', user: {}, responseStatus: { code: 401 } }])
})
