/** Objects encrypted at rest: nothing plain on the medium, no key that is lost in silence, and rotation. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import type { Backend } from '../../../../src/control/storage/backend.ts'
import { ciphers } from '../../../../src/control/storage/encryption/ciphers.ts'
import { providersOf, readEncryptionConfiguration } from '../../../../src/control/storage/encryption/configuration.ts'
import { encryptBackend } from '../../../../src/control/storage/encryption/encrypted-backend.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openSqliteBackend } from '../../../../src/control/storage/sqlite-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'
import { backendContract } from './backend-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'podway-encryption-'))
t.teardown(() => rmSync(folder, { recursive: true }))
let files = 0
const newFile = () => join(folder, `${files++}.db`)

const keyText = (letter: string, bytes = 32) => Buffer.alloc(bytes, letter).toString('base64')
const by = (kind: string, ...names: readonly string[]) => ({
  [kind]: { keys: names.map((name) => ({ name, secret: keyText(name[0] ?? '') })) },
})
const identity = { identity: {} }
const configuration = (providers: readonly object[], resources: readonly string[] = ['secrets', 'configmaps']) =>
  JSON.stringify({
    ...{ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' },
    resources: [{ resources, providers }],
  })
const rulesOf = (...providers: readonly object[]) => readEncryptionConfiguration(configuration(providers))

const key = { bucket: 'secrets', name: 'd/s' }
const value = '{"data":{"password":"tr0ub4dor"}}'
const rawOf = async (backend: Backend) =>
  (await backend.load()).kept.find(({ key: { bucket } }) => bucket === 'secrets')?.value ?? ''
const textIn = async (backend: Backend) => (await backend.load()).kept.map((each) => each.value).join()

for (const kind of Object.keys(ciphers)) {
  t.test(`${kind}, in memory`, (t) =>
    Promise.resolve(backendContract(t, async () => encryptBackend(createMemoryBackend(), rulesOf(by(kind, 'a'))))),
  )
}
t.test('in SQLite', (t) =>
  Promise.resolve(
    backendContract(t, async () => encryptBackend(openSqliteBackend(newFile()), rulesOf(by('aesgcm', 'a')))),
  ),
)
t.test('without rules', (t) =>
  Promise.resolve(backendContract(t, async () => encryptBackend(createMemoryBackend(), []))),
)

t.test('what is kept begins as in Kubernetes, is JSON, and differs each time', async (t) => {
  for (const kind of Object.keys(ciphers)) {
    const medium = createMemoryBackend()
    const backend = encryptBackend(medium, rulesOf(by(kind, 'a')))
    const first = await backend.commit([{ key, expected: 0, value }])
    const raw = await rawOf(medium)
    t.match(JSON.parse(raw), new RegExp(`^k8s:enc:${kind}:v1:a:[A-Za-z0-9+/]+=*$`))
    t.notMatch(Buffer.from(raw.split(':').at(-1) ?? '', 'base64').toString('latin1'), /tr0ub4dor|password/)
    await backend.commit([{ key, expected: first, value }])
    t.not(await rawOf(medium), raw)
    t.equal(await textIn(backend), value)
    await backend.commit([{ key: { bucket: 'pods', name: 'd/p' }, expected: 0, value: '{}' }])
    t.match(await textIn(medium), /,\{\}$|^\{\},/, 'what no rule names stays as it is')
  }
})

t.test('a key that is missing, or another one, is told', async (t) => {
  for (const kind of Object.keys(ciphers)) {
    const medium = createMemoryBackend()
    await encryptBackend(medium, rulesOf(by(kind, 'a'))).commit([{ key, expected: 0, value }])
    const wrong = [{ [kind]: { keys: [{ name: 'a', secret: keyText('x') }] } }, by(kind, 'b'), identity]
    for (const provider of wrong)
      await t.rejects(
        openStore(encryptBackend(medium, rulesOf(provider))),
        {
          name: 'UnreadableValue',
          message: /^secrets\/d\/s is encrypted and cannot be read .*"a".*--encryption-provider-config/,
        },
        JSON.stringify(provider),
      )
    await t.rejects(openStore(encryptBackend(medium, [])), { name: 'UnreadableValue' }, 'no keys at all')
  }
})

t.test('a value that was changed, or stood in another place, is no value', async (t) => {
  for (const kind of ['aesgcm', 'secretbox']) {
    const medium = createMemoryBackend()
    const backend = encryptBackend(medium, rulesOf(by(kind, 'a')))
    const revision = await backend.commit([{ key, expected: 0, value }])
    const raw = await rawOf(medium)
    const at = raw.length - 12
    const changed = `${raw.slice(0, at)}${raw[at] === 'A' ? 'B' : 'A'}${raw.slice(at + 1)}`
    await medium.commit([{ key, expected: revision, value: changed }])
    await t.rejects(backend.load(), { name: 'UnreadableValue' }, kind)
  }
  const medium = createMemoryBackend()
  const backend = encryptBackend(medium, rulesOf(by('aesgcm', 'a')))
  await backend.commit([{ key, expected: 0, value }])
  await medium.commit([{ key: { bucket: 'secrets', name: 'evil/copy' }, expected: 0, value: await rawOf(medium) }])
  await t.rejects(backend.load(), { message: /^secrets\/evil\/copy is encrypted and cannot be read/ })
})

t.test('keys are rotated by what is first', async (t) => {
  const medium = createMemoryBackend()
  const steps: readonly (readonly [why: string, rules: ReturnType<typeof rulesOf>, prefix: RegExp, count: number])[] = [
    ['plain', rulesOf(identity, by('aescbc', 'a')), /^\{/, 0],
    ['encrypted', rulesOf(by('aescbc', 'a'), identity), /^"k8s:enc:aescbc:v1:a:/, 1],
    ['again', rulesOf(by('aescbc', 'a'), identity), /^"k8s:enc:aescbc:v1:a:/, 0],
    ['a new key comes second', rulesOf(by('aescbc', 'a', 'b')), /^"k8s:enc:aescbc:v1:a:/, 0],
    ['and then first', rulesOf(by('aescbc', 'b', 'a')), /^"k8s:enc:aescbc:v1:b:/, 1],
    ['the old one goes', rulesOf(by('aescbc', 'b')), /^"k8s:enc:aescbc:v1:b:/, 0],
    ['another provider', rulesOf(by('secretbox', 'c'), by('aescbc', 'b')), /^"k8s:enc:secretbox:v1:c:/, 1],
    ['plain again', rulesOf(identity, by('secretbox', 'c')), /^\{/, 1],
  ]
  await medium.commit([{ key, expected: 0, value }])
  for (const [why, rules, prefix, count] of steps) {
    const backend = encryptBackend(medium, rules)
    t.equal(await textIn(backend), value, `${why}: read`)
    t.equal(await backend.rewrite(), count, `${why}: written anew`)
    t.match(await rawOf(medium), prefix, why)
    t.equal(await textIn(backend), value, `${why}: read afterwards`)
  }
})

t.test('a server that lacks a key of another one does not go on in the past', async (t) => {
  const medium = createMemoryBackend()
  const reasons: string[] = []
  const store = await openStore(encryptBackend(medium, rulesOf(by('aesgcm', 'a'))), {
    onLost: (reason) => void reasons.push(reason.message),
  })
  await encryptBackend(medium, rulesOf(by('aesgcm', 'b'))).commit([{ key, expected: 0, value }])
  t.match(reasons[0], /^secrets\/d\/s is encrypted and cannot be read/)
  t.equal(store.get(key), undefined)
  await store.close()
})

t.test('nothing plain is left in the files of a store that is encrypted later', async (t) => {
  const file = newFile()
  const secretOf = (n: number): KubeObject =>
    ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `s${n}`, namespace: 'd' },
      data: { password: `tr0ub4dor-${n}` },
    }) as KubeObject
  const plain = await openStore(openSqliteBackend(file))
  for (let n = 0; n < 50; n++)
    await plain.commit({ key: { bucket: 'secrets', name: `d/s${n}` }, expected: 0, object: secretOf(n) })
  await plain.close()
  const holdsPlain = () =>
    readdirSync(folder)
      .filter((name) => join(folder, name).startsWith(file))
      .some((name) => readFileSync(join(folder, name)).includes('tr0ub4dor'))
  t.ok(holdsPlain(), 'it was plain')
  const backend = encryptBackend(openSqliteBackend(file), rulesOf(by('secretbox', 'a')))
  const store = await openStore(backend)
  t.equal(await backend.rewrite(), 50)
  t.notOk(holdsPlain(), 'while it is open')
  for (let n = 50; n < 60; n++)
    await store.commit({ key: { bucket: 'secrets', name: `d/s${n}` }, expected: 0, object: secretOf(n) })
  t.notOk(holdsPlain(), 'with its log')
  t.match(store.get({ bucket: 'secrets', name: 'd/s7' })?.object, secretOf(7))
  await store.close()
  t.notOk(holdsPlain())
})

t.test('the configuration', async (t) => {
  const rules = readEncryptionConfiguration(`
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets, "*.apps", pandas.bears.example]
    providers:
      - aesgcm: { keys: [{ name: a, secret: ${keyText('a', 16)} }, { name: b, secret: ${keyText('b', 24)} }] }
      - identity: {}
  - resources: ["*."]
    providers: [{ identity: {} }]
  - resources: ["*.*"]
    providers: [{ secretbox: { keys: [{ name: c, secret: ${keyText('c')} }] } }]
`)
  const kinds = (bucket: string) =>
    providersOf(rules, bucket).map((each) => (each.kind === 'identity' ? each.kind : `${each.cipher} ${each.name}`))
  for (const bucket of ['secrets', 'deployments.apps', 'pandas.bears.example'])
    t.same(kinds(bucket), ['aesgcm a', 'aesgcm b', 'identity'], bucket)
  t.same(kinds('configmaps'), ['identity'])
  t.same(kinds('leases.coordination.k8s.io'), ['secretbox c'])
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['{', /^it is no YAML$/],
    ['{}', /^kind must be EncryptionConfiguration$/],
    ['{kind: EncryptionConfiguration, apiVersion: v1}', /^apiVersion must be/],
    [configuration([]), /^resources\[0\]\.providers must hold a provider$/],
    [configuration([identity], []), /^resources\[0\]\.resources must name resources$/],
    [configuration([{ kms: {} }]), /^resources\[0\]\.providers\[0\]\.kms is no provider of this server/],
    [configuration([{}]), /must name one provider/],
    [configuration([{ aesgcm: {} }]), /aesgcm\.keys must hold a key/],
    [configuration([by('aesgcm', 'a', 'a')]), /must have a name each/],
    [configuration([{ aesgcm: { keys: [{ name: 'a:b', secret: keyText('a') }] } }]), /keys\[0\]\.name must be a name/],
    [
      configuration([{ aesgcm: { keys: [{ name: 'a', secret: '!' }] } }]),
      /keys\[0\]\.secret must be base64 .* one of 16, 24, 32$/,
    ],
    [configuration([{ secretbox: { keys: [{ name: 'a', secret: keyText('a', 16) }] } }]), /one of 32$/],
  ]
  for (const [text, message] of wrong)
    t.throws(() => readEncryptionConfiguration(text), { message }, text.slice(0, 120))
})
