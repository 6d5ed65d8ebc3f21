import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readBootstrapToken } from '../../../../src/api/bootstrap-token.ts'
import type { Secret } from '../../../../src/api/types/index.ts'
import {
  acceptInvitation,
  type ControlInvitation,
  invitationSecret,
  inviteControlPlane,
  readSharedKeys,
  writeSharedKeys,
} from '../../../../src/control/auth/shared-keys.ts'

const keys = { 'ca.crt': 'CERT', 'ca.key': 'KEY', 'sa.key': 'SA', 'sa.pub': 'PUB' }
const now = Date.UTC(2026, 0, 1)
const secretOf = ({ secret }: ControlInvitation, data: object = {}): Secret => ({
  ...{ apiVersion: 'v1', kind: 'Secret', ...secret },
  data: { ...secret.data, ...data },
})

t.test('who has the token gets the keys, and nobody else', async (t) => {
  const invitation = inviteControlPlane(keys, now + 1_000)
  const { text, token } = invitation
  t.same(acceptInvitation(text, secretOf(invitation), now), keys)
  t.same(invitationSecret(`${text}\n`), { namespace: 'kube-system', name: `bootstrap-token-${token.id}` })
  t.notMatch(JSON.stringify(invitation.secret), text.split('.')[2] ?? 'x', 'the key is not in the Secret')
  for (const plain of Object.values(keys))
    t.notOk(
      Object.values(invitation.secret.data ?? {}).some((value) => Buffer.from(value, 'base64').includes(plain)),
      plain,
    )
  t.equal(readBootstrapToken(secretOf(invitation))?.isForAuthentication, false, 'and it lets nobody in')

  const other = inviteControlPlane(keys, now + 1_000)
  t.throws(() => acceptInvitation(text, secretOf(other), now), /holds no keys/)
  const [version, id] = text.split('.')
  t.throws(() => acceptInvitation(`${version}.${id}.${other.text.split('.')[2]}`, secretOf(invitation), now), /sealed/)
  const sealed = Buffer.from(invitation.secret.data?.['control-plane-keys'] ?? '', 'base64')
  for (const at of [0, 20, sealed.length - 1]) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    const data = { 'control-plane-keys': changed.toString('base64') }
    t.throws(() => acceptInvitation(text, secretOf(invitation, data), now), /sealed/, `byte ${at}`)
  }
  t.throws(() => acceptInvitation(text, secretOf(invitation, { 'control-plane-keys': '' }), now), /sealed/)
  t.throws(() => acceptInvitation(text, secretOf(invitation), now + 1_000), /expired/)
  for (const bad of ['', 'podway1.a.b.c', `${version}.${id}`, `${text}.x`, `${version}.UPPER1.${text.split('.')[2]}`])
    t.throws(() => invitationSecret(bad), /not a token for control planes/, bad)
})

t.test('only what is the cluster’s own is shared', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  await t.rejects(readSharedKeys(folder), /does not hold ca\.crt/)
  for (const [name, text] of Object.entries({ ...keys, 'server.key': 'S', 'admin.key': 'A', 'ca.key.damaged-1': 'D' }))
    writeFileSync(join(folder, name), text)
  t.same(await readSharedKeys(folder), keys)
  const next = join(folder, 'next')
  await writeSharedKeys(next, keys)
  t.same(await readSharedKeys(next), keys)
  t.equal(statSync(join(next, 'ca.key')).mode & 0o777, 0o600)
  t.equal(readFileSync(join(next, 'sa.pub'), 'utf8'), 'PUB')
})
