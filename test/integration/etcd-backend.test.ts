/** Objects in a real etcd: the promises of every backend, and what is etcd's own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../src/api/certificates.ts'
import { type Backend, type Commit, RevisionMismatch, StorageFailure } from '../../src/control/storage/backend.ts'
import { readEncryptionConfiguration } from '../../src/control/storage/encryption/configuration.ts'
import { encryptBackend } from '../../src/control/storage/encryption/encrypted-backend.ts'
import { type EtcdOptions, openEtcdBackend } from '../../src/control/storage/etcd/etcd-backend.ts'
import { EntryTooLarge, objectLimit } from '../../src/control/storage/store.ts'
import { openStore } from '../../src/control/storage/watch-cache.ts'
import { startEtcd } from '../support/etcd.ts'
import { until } from '../support/until.ts'
import { backendContract } from '../unit/control/storage/backend-contract.ts'

const key = (name: string) => ({ bucket: 'configmaps', name: `d/${name}` })
const object = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'd' } })

t.test('the contract', async (t) => {
  const { endpoints } = await startEtcd(t)
  let prefixes = 0
  backendContract(t, async () => openEtcdBackend({ endpoints, prefix: `/contract/${prefixes++}` }))
})

t.test('on one member', async (t) => {
  const { endpoints, members } = await startEtcd(t, { more: ['--quota-backend-bytes', String(16 * 1024 * 1024)] })
  let prefixes = 0
  const prefix = (): string => `/one/${prefixes++}`
  const open = (options: Partial<EtcdOptions> & Pick<EtcdOptions, 'prefix'>) => {
    const backend = openEtcdBackend({ endpoints, ...options })
    t.teardown(backend.close)
    return backend
  }

  await t.test('more than one page is one moment', async (t) => {
    const backend = open({ prefix: prefix() })
    await Promise.all(
      Array.from({ length: 1_203 }, (_, n) => backend.commit([{ key: key(`${n}`), expected: 0, value: `${n}` }])),
    )
    const { kept, revision } = await backend.load()
    t.equal(kept.length, 1_203)
    t.equal(new Set(kept.map(({ key: { name } }) => name)).size, 1_203)
    t.equal(revision, await backend.latest())
  })

  await t.test('two servers: what one has written the other sees when it asks for what is fresh', async (t) => {
    const shared = prefix()
    const [one, two] = [await openStore(open({ prefix: shared })), await openStore(open({ prefix: shared }))]
    for (let n = 0; n < 50; n++) {
      const revision = await one.commit({ key: key(`a${n}`), expected: 0, object: object(`a${n}`) })
      t.ok(one.get(key(`a${n}`)), 'its own writes it reads at once')
      await two.fresh()
      t.equal(two.get(key(`a${n}`))?.revision, revision)
      await two.commit({ key: key(`a${n}`), expected: revision })
      await one.fresh()
      t.equal(one.get(key(`a${n}`)), undefined, 'also that it is gone')
    }
    const seen = [one, two].map(() => 0)
    for (const [at, store] of [one, two].entries())
      store.watch('configmaps', store.revision, () => {
        seen[at] = (seen[at] ?? 0) + 1
      })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_, n) =>
        [one, two][n % 2]?.commit({ key: key(`b${n % 20}`), expected: 0, object: object('b') }),
      ),
    )
    t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 20, 'one wins each')
    for (const outcome of outcomes) if (outcome.status === 'rejected') t.type(outcome.reason, RevisionMismatch)
    await until(() => seen.join() === '20,20', 'both to see all')
  })

  await t.test('who fell behind what was compacted lists anew', async (t) => {
    const shared = prefix()
    const backend = open({ prefix: shared, compactEveryMs: 50 })
    const { revision } = await backend.load()
    for (let n = 0; n < 5; n++) await backend.commit([{ key: key(`${n}`), expected: 0, value: '{}' }])
    const lost: string[] = []
    await until(async () => {
      await backend.commit([{ key: key(`x${Math.random()}`), expected: 0, value: '{}' }])
      const late = open({ prefix: shared })
      const stop = late.follow(revision, { commit: () => undefined, lost: (reason) => lost.push(reason.message) })
      await new Promise((resolve) => setTimeout(resolve, 50))
      stop()
      return lost.length > 0
    }, 'the compaction')
    t.match(lost[0], /compacted/)
  })

  await t.test('an object that is too large is refused by name', async (t) => {
    const backend = open({ prefix: prefix() })
    await t.rejects(backend.commit([{ key: key('a'), expected: 0, value: 'x'.repeat(objectLimit) }]), EntryTooLarge)
  })

  await t.test('a member that restarts: nothing is told twice, nothing is missed', async (t) => {
    const [member] = members
    const backend = open({ prefix: prefix() })
    const { revision } = await backend.load()
    const commits: Commit[] = []
    backend.follow(revision, {
      commit: (commit) => commits.push(commit),
      lost: (reason) => t.fail(reason.message),
    })
    const made = [await backend.commit([{ key: key('a'), expected: 0, value: '1' }])]
    await member?.kill()
    const refused = await backend.commit([{ key: key('b'), expected: 0, value: '1' }]).catch((error: unknown) => error)
    t.type(refused, StorageFailure)
    // Whether it was on its way already when the member went, nobody can tell.
    t.match((refused as StorageFailure).made, /^(not made|unknown)$/)
    await member?.start()
    made.push(await backend.commit([{ key: key('c'), expected: 0, value: '1' }]))
    await until(() => commits.length >= 2, 'the commits')
    t.same(
      commits.map((commit) => commit.revision),
      made,
    )
  })

  await t.test('a full etcd says so, and what there was can be read', async (t) => {
    const backend = open({ prefix: prefix() })
    await backend.commit([{ key: key('first'), expected: 0, value: '{}' }])
    let failure: unknown
    for (let n = 0; n < 40 && failure === undefined; n++)
      await backend
        .commit([{ key: key(`${n}`), expected: 0, value: 'x'.repeat(1_000_000) }])
        .catch((error: unknown) => {
          failure = error
        })
    t.type(failure, StorageFailure)
    t.match(failure, { message: /no space left.*disarm/, made: 'not made' })
    t.ok((await backend.load()).kept.some(({ key: { name } }) => name === 'd/first'))
  })
})

t.test('by TLS, with a certificate of its own and never without', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-etcd-tls-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const authority = await createAuthority('etcd', validFor(1, Date.now()))
  const other = await createAuthority('other', validFor(1, Date.now()))
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const pair = async (name: string, usage: 'server' | 'client') => {
    const identity = { commonName: name, dnsNames: ['localhost'], addresses: ['127.0.0.1'] }
    const { cert, key } = await issueCertificate(authority, identity, validFor(1, Date.now()), usage)
    return { cert: file(`${name}.crt`, cert), key: file(`${name}.key`, key) }
  }
  const ca = file('ca.crt', authority.cert)
  const { endpoints } = await startEtcd(t, { tls: { ca, ...(await pair('server', 'server')) } })
  const mine = await pair('podway', 'client')
  const open = (access: Omit<EtcdOptions, 'endpoints' | 'prefix'>) => {
    const backend = openEtcdBackend({ endpoints, prefix: '/tls', ...access })
    t.teardown(backend.close)
    return backend
  }
  const good = open({ cafile: ca, certfile: mine.cert, keyfile: mine.key })
  await until(() => good.commit([{ key: key('a'), expected: 0, value: '{}' }]).catch(() => 0), 'a commit', 20_000)
  t.equal((await good.load()).kept.length, 1)
  await t.rejects(open({ cafile: ca }).load(), StorageFailure, 'without a certificate')
  const stranger = open({ cafile: file('other.crt', other.cert), certfile: mine.cert, keyfile: mine.key })
  await t.rejects(stranger.load(), StorageFailure, 'to a server of another authority')
  t.throws(() => open({ cafile: join(folder, 'nothing') }), /ENOENT/)
})

t.test('certificates that are renewed are read again, also when the authority is another one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-etcd-renewal-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = (name: string): string => join(folder, name)
  const issueAll = async (name: string): Promise<void> => {
    const authority = await createAuthority(name, validFor(1, Date.now()))
    writeFileSync(file('ca.crt'), authority.cert)
    for (const usage of ['server', 'client'] as const) {
      const identity = { commonName: usage, dnsNames: ['localhost'], addresses: ['127.0.0.1'] }
      const { cert, key: secret } = await issueCertificate(authority, identity, validFor(1, Date.now()), usage)
      writeFileSync(file(`${usage}.crt`), cert)
      writeFileSync(file(`${usage}.key`), secret)
    }
  }
  await issueAll('first')
  const tls = { ca: file('ca.crt'), cert: file('server.crt'), key: file('server.key') }
  const { endpoints, members } = await startEtcd(t, { tls })
  const problems: string[] = []
  const backend = openEtcdBackend({
    ...{ endpoints, prefix: '/renewed', rereadEveryMs: 50, onProblem: (message: string) => problems.push(message) },
    ...{ cafile: file('ca.crt'), certfile: file('client.crt'), keyfile: file('client.key') },
  })
  t.teardown(backend.close)
  const commit = (name: string) => backend.commit([{ key: key(name), expected: 0, value: '{}' }])
  await until(() => commit('before').catch(() => 0), 'a commit', 20_000)

  const secret = readFileSync(file('client.key'))
  writeFileSync(file('client.key'), 'half a key')
  await until(() => problems.length > 0, 'that half a file is told of')
  t.ok(await commit('meanwhile'), 'it goes on with what it had')
  writeFileSync(file('client.key'), secret)

  await issueAll('second')
  const [member] = members
  await member?.kill()
  await member?.start()
  await until(() => commit('after').catch(() => 0), 'a commit with the new ones', 30_000)
  t.equal((await backend.load()).kept.length, 3)
})

const rulesOf = (...providers: readonly object[]) =>
  readEncryptionConfiguration(
    JSON.stringify({
      ...{ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' },
      resources: [{ resources: ['secrets'], providers }],
    }),
  )
const sealing = (letter: string) => ({
  aesgcm: { keys: [{ name: letter, secret: Buffer.alloc(32, letter).toString('base64') }] },
})

t.test('encrypted: the contract', async (t) => {
  const { endpoints } = await startEtcd(t)
  let prefixes = 0
  backendContract(t, async () =>
    encryptBackend(openEtcdBackend({ endpoints, prefix: `/sealed/${prefixes++}` }), rulesOf(sealing('a'))),
  )
})

t.test('encrypted: etcd never has a Secret in plain, servers share it, and its key is replaced', async (t) => {
  const { endpoints } = await startEtcd(t)
  const openRaw = () => {
    const backend = openEtcdBackend({ endpoints, prefix: '/secrets' })
    t.teardown(backend.close)
    return backend
  }
  const raw = openRaw()
  const textIn = async (): Promise<string> => (await raw.load()).kept.map(({ value }) => value).join()
  const open = (...providers: readonly object[]) => encryptBackend(openRaw(), rulesOf(...providers))
  const storeOver = async (backend: Backend) => {
    const store = await openStore(backend)
    t.teardown(store.close)
    return store
  }
  const at = { bucket: 'secrets', name: 'd/s' }
  const password = 'dHIwdWI0ZG9y'
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'd' }, data: { p: password } }
  const one = await storeOver(open(sealing('a')))
  // The next key is known everywhere before anybody writes with it.
  const two = await storeOver(open(sealing('a'), sealing('b')))
  const revision = await one.commit({ key: at, expected: 0, object: secret })
  await one.commit({ key: key('open'), expected: 0, object: object('open') })
  await two.fresh()
  t.match(two.get(at)?.object, { data: { p: password } })
  t.match(await textIn(), /k8s:enc:aesgcm:v1:a:/)
  t.notMatch(await textIn(), password)

  const newer = open(sealing('b'), sealing('a'))
  const three = await storeOver(newer)
  t.match(three.get(at)?.object, { data: { p: password } })
  t.equal(await newer.rewrite(), 1)
  t.match(await textIn(), /k8s:enc:aesgcm:v1:b:/)
  t.notMatch(await textIn(), /:v1:a:/)
  await two.fresh()
  t.match(two.get(at)?.object, { data: { p: password } }, 'by the key that it knows')
  t.not(two.get(at)?.revision, revision)
  await t.rejects(openStore(open(sealing('a'))), /secrets/, 'without its key nobody starts')
})

t.test('three members: one may go, also the one that leads, and nothing acknowledged is lost', async (t) => {
  const etcd = await startEtcd(t, { members: 3 })
  const backend = openEtcdBackend({ endpoints: etcd.endpoints, prefix: '/three' })
  t.teardown(backend.close)
  const store = await openStore(backend, { onLost: (reason) => t.fail(reason.message) })
  const acknowledged = new Map<string, number>()
  let n = 0
  const write = async (): Promise<void> => {
    const name = `w${n++}`
    acknowledged.set(name, await store.commit({ key: key(name), expected: 0, object: object(name) }))
  }
  const writeAgain = (what: string) =>
    until(
      () =>
        write().then(
          () => true,
          () => false,
        ),
      what,
      20_000,
    )
  await write()
  const leader = await etcd.leader()
  const other = etcd.members.find((each) => each !== leader)
  await other?.kill()
  await writeAgain('a write without one member')
  await other?.start()
  await leader.kill()
  await writeAgain('a write under the next leader')
  await leader.start()
  const next = await until(() => etcd.leader().catch(() => undefined), 'a leader')
  next.freeze()
  await writeAgain('a write while the leader hangs')
  next.thaw()
  await writeAgain('a write after it has come back')
  await store.fresh()
  for (const [name, revision] of acknowledged) t.equal(store.get(key(name))?.revision, revision)
  const there = (await backend.load()).kept.map(({ key: { name } }) => name.slice(2))
  t.ok([...acknowledged.keys()].every((name) => there.includes(name)))
  await store.close()
})
