import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openTokenKeys } from '../../../../src/control/tokens/keys.ts'
import { createTokenSigner } from '../../../../src/control/tokens/signer.ts'

const folderOf = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-tokens-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}
const claims = { iss: 'x', sub: 'a' }
const now = () => 1_000_000

t.test('keys are made once, and the private one is private', async (t) => {
  const folder = folderOf(t)
  const first = await openTokenKeys(folder, t.fail)
  t.strictSame(await openTokenKeys(folder, t.fail), first)
  t.equal(statSync(join(folder, 'sa.key')).mode & 0o777, 0o600)
  t.equal(first.trusted.length, 1)
})

t.test('a key that is removed is replaced, and its tokens stay good until it is trusted no more', async (t) => {
  const folder = folderOf(t)
  const first = await openTokenKeys(folder, t.fail)
  const token = await createTokenSigner(() => first, now).sign(claims)
  rmSync(join(folder, 'sa.key'))
  const second = await openTokenKeys(folder, t.fail)
  t.not(second.signing, first.signing)
  t.strictSame(second.trusted.slice(1), first.trusted)
  t.match(await createTokenSigner(() => second, now).verify(token), claims)

  writeFileSync(join(folder, 'sa.pub'), second.trusted[0] ?? '')
  const third = await openTokenKeys(folder, t.fail)
  t.equal(third.signing, second.signing)
  t.equal(await createTokenSigner(() => third, now).verify(token), undefined)
})

t.test('the public half of a key that was brought along becomes trusted', async (t) => {
  const folder = folderOf(t)
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const text = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(join(folder, 'sa.key'), text)
  const keys = await openTokenKeys(folder, t.fail)
  t.equal(keys.signing, text)
  t.match(readFileSync(join(folder, 'sa.pub'), 'utf8'), /^-----BEGIN PUBLIC KEY-----/)
  const signer = createTokenSigner(() => keys, now)
  t.match(await signer.verify(await signer.sign(claims)), claims, 'RSA signs, too')
  t.match(await signer.publicKeys(), [{ kty: 'RSA', alg: 'RS256', use: 'sig', kid: /^[\w-]{43}$/ }])
})

t.test('keys of another kind are set aside', async (t) => {
  const folder = folderOf(t)
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const told: string[] = []
  await openTokenKeys(folder, (message) => told.push(message))
  t.match(told, [/sa\.key is damaged \(it is neither RSA nor ECDSA P-256\): set aside/])
})
