import { generateKeyPairSync, sign as signRaw } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createFakeClock, formatTime } from '../../../../src/api/clock.ts'
import type { KubeObject, ObjectMeta } from '../../../../src/api/types/index.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'
import { createAccountUsers } from '../../../../src/control/tokens/account-users.ts'
import { type Bound, boundClaims, legacyClaims } from '../../../../src/control/tokens/claims.ts'
import { openTokenKeys } from '../../../../src/control/tokens/keys.ts'
import { type Claims, createTokenSigner } from '../../../../src/control/tokens/signer.ts'

const folder = mkdtempSync(join(tmpdir(), 'podway-tokens-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const keys = await openTokenKeys(folder, t.fail)
const issuer = 'https://kubernetes.default.svc.cluster.local'

const start = async () => {
  const clock = createFakeClock()
  const store = await openStore(createMemoryBackend())
  const signer = createTokenSigner(() => keys, clock.now)
  const find = createAccountUsers({ store, signer, clock, issuer, audiences: [issuer] })
  const put = async (bucket: string, metadata: ObjectMeta, content: object = {}): Promise<void> => {
    const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
    const key = { bucket, name }
    const object = { apiVersion: 'v1', kind: 'X', metadata, ...content } as KubeObject
    await store.commit({ key, expected: store.get(key)?.revision ?? 0, object })
  }
  const remove = async (bucket: string, name: string): Promise<void> => {
    const key = { bucket, name }
    await store.commit({ key, expected: store.get(key)?.revision ?? 0 })
  }
  await put('serviceaccounts', { name: 'app', namespace: 'shop', uid: 'a1' })
  await put('pods', { name: 'web', namespace: 'shop', uid: 'p1' })
  await put('secrets', { name: 's', namespace: 'shop', uid: 's1' })
  await put('nodes', { name: 'n1', uid: 'n1' })
  const tokenFor = (bound: Bound = {}, more: Partial<Claims> = {}, audiences: readonly string[] = [issuer]) => {
    const account = { name: 'app', uid: 'a1' }
    const claims = boundClaims(
      issuer,
      { namespace: 'shop', account, bound, audiences, id: 'j1' },
      { now: clock.now(), seconds: 600 },
    )
    return signer.sign({ ...claims, ...more })
  }
  return { clock, store, signer, find, put, remove, tokenFor }
}

t.test('who holds the token of an account is known by it', async (t) => {
  const { find, tokenFor } = await start()
  const token = await tokenFor({ pod: { name: 'web', uid: 'p1' }, node: { name: 'n1', uid: 'n1' } })
  t.strictSame(await find(token), {
    user: {
      name: 'system:serviceaccount:shop:app',
      uid: 'a1',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': ['JTI=j1'],
        'authentication.kubernetes.io/pod-name': ['web'],
        'authentication.kubernetes.io/pod-uid': ['p1'],
        'authentication.kubernetes.io/node-name': ['n1'],
        'authentication.kubernetes.io/node-uid': ['n1'],
      },
    },
    audiences: [issuer],
  })
})

t.test('a token ends with its time, its account and what it is bound to', async (t) => {
  const pod = { pod: { name: 'web', uid: 'p1' } }
  const secret = { secret: { name: 's', uid: 's1' } }
  const node = { node: { name: 'n1', uid: 'n1' } }
  type World = Awaited<ReturnType<typeof start>>
  const cases: readonly (readonly [string, Bound, (world: World) => void | Promise<void>])[] = [
    ['its time is over', {}, ({ clock }) => clock.advance(601_000)],
    ['its account is gone', {}, ({ remove }) => remove('serviceaccounts', 'shop/app')],
    [
      'another account has the name',
      {},
      ({ put }) => put('serviceaccounts', { name: 'app', namespace: 'shop', uid: 'a2' }),
    ],
    ['its pod is gone', pod, ({ remove }) => remove('pods', 'shop/web')],
    ['another pod has the name', pod, ({ put }) => put('pods', { name: 'web', namespace: 'shop', uid: 'p2' })],
    ['its secret is gone', secret, ({ remove }) => remove('secrets', 'shop/s')],
    ['another secret has the name', secret, ({ put }) => put('secrets', { name: 's', namespace: 'shop', uid: 's2' })],
    ['its node is gone', node, ({ remove }) => remove('nodes', 'n1')],
    [
      'its pod should have ended a minute ago',
      pod,
      async ({ put, clock }) => {
        const deletionTimestamp = formatTime(clock.now())
        await put('pods', { name: 'web', namespace: 'shop', uid: 'p1', deletionTimestamp })
        clock.advance(61_000)
      },
    ],
  ]
  for (const [why, bound, change] of cases) {
    const world = await start()
    const token = await world.tokenFor(bound)
    t.ok(await world.find(token), `good before ${why}`)
    await change(world)
    t.equal(await world.find(token), undefined, why)
  }
})

t.test('a pod that is being deleted keeps its token until a minute after its end', async (t) => {
  const { find, tokenFor, put, clock } = await start()
  const token = await tokenFor({ pod: { name: 'web', uid: 'p1' } })
  await put('pods', { name: 'web', namespace: 'shop', uid: 'p1', deletionTimestamp: formatTime(clock.now()) })
  clock.advance(59_000)
  t.ok(await find(token))
})

t.test('tokens are for their audiences only', async (t) => {
  const { find, tokenFor } = await start()
  const vault = await tokenFor({}, {}, ['vault', 'mail'])
  t.equal(await find(vault), undefined, 'not for the API')
  t.strictSame((await find(vault, ['vault', 'other']))?.audiences, ['vault'])
  t.equal(await find(await tokenFor(), ['vault']), undefined)
})

t.test('nothing else is a token', async (t) => {
  const { find, tokenFor, signer } = await start()
  const good = await tokenFor()
  const [head = '', body = '', signature = ''] = good.split('.')
  const changed = Buffer.from(Buffer.from(body, 'base64url').toString().replace('"uid":"a1"', '"uid":"a9"')).toString(
    'base64url',
  )
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const foreignSignature = signRaw('sha256', Buffer.from(`${head}.${body}`), {
    key: foreign,
    dsaEncoding: 'ieee-p1363',
  }).toString('base64url')
  const symmetric = Buffer.from('{"alg":"HS256"}').toString('base64url')
  for (const [why, token] of [
    ['empty', ''],
    ['text', 'abc'],
    ['another body', `${head}.${changed}.${signature}`],
    ['no signature', `${head}.${body}.`],
    ['no algorithm', `${none}.${body}.`],
    ['an algorithm of shared secrets', `${symmetric}.${body}.${signature}`],
    ['another key', `${head}.${body}.${foreignSignature}`],
    ['a long one', `${good}${'a'.repeat(20_000)}`],
    ['another issuer', await tokenFor({}, { iss: 'https://elsewhere' })],
    ['another subject', await tokenFor({}, { sub: 'system:serviceaccount:kube-system:admin' })],
    ['no claims of Kubernetes', await tokenFor({}, { 'kubernetes.io': undefined })],
    [
      'a pod without uid',
      await tokenFor(
        {},
        { 'kubernetes.io': { namespace: 'shop', pod: { name: 'web' }, serviceaccount: { name: 'app', uid: 'a1' } } },
      ),
    ],
    ['without end', await tokenFor({}, { exp: undefined })],
    [
      'of a Secret, but with the issuer of requests',
      await signer.sign({ ...legacyClaims('shop', { name: 'app', uid: 'a1' }, 's'), iss: issuer }),
    ],
  ] as const)
    t.equal(await find(token), undefined, why)
  t.ok(await find(good))
})

t.test('a token in a Secret is good while it stands there', async (t) => {
  const { find, put, remove, signer } = await start()
  const token = await signer.sign(legacyClaims('shop', { name: 'app', uid: 'a1' }, 's'))
  t.equal(await find(token), undefined, 'the Secret does not hold it')
  const data = { token: Buffer.from(token).toString('base64') }
  await put('secrets', { name: 's', namespace: 'shop', uid: 's1' }, { data })
  t.match(await find(token), { user: { name: 'system:serviceaccount:shop:app', extra: {} }, audiences: [issuer] })
  t.equal(await find(token, ['vault']), undefined)
  await remove('secrets', 'shop/s')
  t.equal(await find(token), undefined)
})
