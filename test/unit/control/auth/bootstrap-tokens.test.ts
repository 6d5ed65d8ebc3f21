/** Join tokens: who gets in by one, until when, and what becomes of it. */
import t from 'tap'
import {
  bootstrappersGroup,
  bootstrapTokenSecret,
  newBootstrapToken,
  parseBootstrapToken,
  readBootstrapToken,
} from '../../../../src/api/bootstrap-token.ts'
import { createFakeClock, systemClock } from '../../../../src/api/clock.ts'
import { isNotFound } from '../../../../src/api/errors.ts'
import { namespaces, secrets } from '../../../../src/api/resources.ts'
import type { Secret } from '../../../../src/api/types/index.ts'
import { bootstrapTokenUsers } from '../../../../src/control/auth/bootstrap-tokens.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64')
const secretOf = (draft: ReturnType<typeof bootstrapTokenSecret>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  ...draft,
})

t.test('a token as stock clients keep it', async (t) => {
  const token = newBootstrapToken()
  t.same(parseBootstrapToken(`${token.id}.${token.secret}`), token)
  const expiresAt = Date.UTC(2030, 0, 1)
  const secret = secretOf(bootstrapTokenSecret(token, { expiresAt, description: 'rack 3' }))
  t.match(secret, {
    metadata: { name: `bootstrap-token-${token.id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: {
      'token-id': encode(token.id),
      expiration: encode('2030-01-01T00:00:00Z'),
      'usage-bootstrap-authentication': encode('true'),
    },
  })
  t.match(readBootstrapToken(secret), { ...token, expiresAt, description: 'rack 3', isForAuthentication: true })
  for (const [what, change] of Object.entries({
    'another type': { type: 'Opaque' },
    'another namespace': { metadata: { ...secret.metadata, namespace: 'default' } },
    'the name of another token': { metadata: { ...secret.metadata, name: 'bootstrap-token-aaaaaa' } },
    'no secret': { data: { ...secret.data, 'token-secret': '' } },
    'a time that is none': { data: { ...secret.data, expiration: encode('soon') } },
    'a group that is not its own': { data: { ...secret.data, 'auth-extra-groups': encode('system:masters') } },
    'one of several': {
      data: { ...secret.data, 'auth-extra-groups': encode('system:bootstrappers:a,system:nodes') },
    },
  }))
    t.equal(readBootstrapToken({ ...secret, ...change }), undefined, what)
})

t.test('who gets in', async (t) => {
  const clock = createFakeClock()
  const store = await openStore(createMemoryBackend())
  const users = bootstrapTokenUsers(store, clock)
  const find = async (text: string) => users({ authorization: `Bearer ${text}` })
  const token = newBootstrapToken()
  const text = `${token.id}.${token.secret}`
  const put = async (secret: Secret): Promise<void> => {
    const key = { bucket: 'secrets', name: `kube-system/${secret.metadata.name}` }
    await store.commit({ key, expected: store.get(key)?.revision ?? 0, object: secret })
  }
  t.equal(await find(text), undefined, 'nobody, before there is one')
  const secret = secretOf(bootstrapTokenSecret(token, { expiresAt: clock.now() + 60_000 }))
  await put(secret)
  t.same(await find(text), { name: `system:bootstrap:${token.id}`, groups: [bootstrappersGroup] })
  for (const bad of [
    ...[`${token.id}.${'a'.repeat(16)}`, `${token.id}.`, token.id, '', `.${token.secret}`, `../${text}`],
    ...[`${text}x`, text.toUpperCase()],
  ])
    t.equal(await find(bad), undefined, JSON.stringify(bad))
  clock.advance(60_000)
  t.equal(await find(text), undefined, 'not after its time')
  await put({ ...secret, data: { ...secret.data, expiration: '' } })
  t.ok(await find(text), 'for ever')
  await put({ ...secret, data: { ...secret.data, expiration: '', 'usage-bootstrap-authentication': encode('false') } })
  t.equal(await find(text), undefined, 'not for authentication')
  const extra = { expiration: '', 'auth-extra-groups': encode('system:bootstrappers:rack') }
  await put({ ...secret, data: { ...secret.data, ...extra } })
  t.same((await find(text))?.groups, [bootstrappersGroup, 'system:bootstrappers:rack'])
  await put({ ...secret, metadata: { ...secret.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } })
  t.equal(await find(text), undefined, 'not while it is being deleted')
})

t.test('expired tokens are deleted, others are not', async (t) => {
  const { client } = await startControlPlane(t)
  await client.create(namespaces, { metadata: { name: 'kube-system' } })
  const make = (expiresAt?: number) =>
    client.create(secrets, bootstrapTokenSecret(newBootstrapToken(), expiresAt === undefined ? {} : { expiresAt }))
  const old = await make(systemClock.now() - 1000)
  const soon = await make(systemClock.now() + 1500)
  const kept = await make()
  const isGone = ({ metadata }: Secret) =>
    client.get(secrets, metadata.name, 'kube-system').then(
      () => false,
      (error: unknown) => isNotFound(error),
    )
  await until(() => isGone(old), 'the end of the old one')
  await until(() => isGone(soon), 'the end of the one that expires')
  t.notOk(await isGone(kept))
})
