import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import t from 'tap'
import { newBootstrapToken } from '../../../src/api/bootstrap-token.ts'
import {
  certificateHash,
  createAuthority,
  createSigningRequest,
  issueCertificate,
  isUsable,
  readSigningRequest,
  signRequest,
  validFor,
} from '../../../src/api/certificates.ts'
import { formatJoinToken, parseJoinToken } from '../../../src/api/join-token.ts'

const now = Date.now()
const authority = await createAuthority('test', validFor(10, now))

t.test('a server and a client with certificates of one authority trust each other', async (t) => {
  const server = await issueCertificate(
    authority,
    { commonName: 'api', addresses: ['127.0.0.1', '::1'] },
    validFor(1, now),
    'server',
  )
  const { csr, key } = await createSigningRequest({ commonName: 'whatever it says' })
  const cert = await signRequest(
    authority,
    csr,
    { commonName: 'system:node:n1', organizations: ['system:nodes', 'extra'] },
    validFor(1, now),
    'client',
  )

  const listener = createServer({ ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(() => listener.close())
  const accepted = once(listener, 'secureConnection')
  const socket = connect({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    ca: authority.cert,
    cert,
    key,
  })
  const [peer] = await accepted
  t.match(peer.getPeerCertificate().subject, { CN: 'system:node:n1', O: ['system:nodes', 'extra'] })
  socket.destroy()
  peer.destroy()
})

t.test('a certificate serves while it lasts, for its names, under its authority', async (t) => {
  const identity = { commonName: 'api', dnsNames: ['kubernetes.default'], addresses: ['10.96.0.1'] }
  const { cert } = await issueCertificate(authority, identity, validFor(60, now), 'server')
  const day = 86_400_000
  t.ok(isUsable(cert, identity, authority.cert, now, 'server'))
  t.notOk(isUsable(cert, identity, authority.cert, now, 'client'), 'it serves')
  t.notOk(isUsable(cert, { ...identity, commonName: 'other' }, authority.cert, now, 'server'), 'of another name')
  t.notOk(isUsable(cert, identity, authority.cert, now + 31 * day, 'server'), 'ends within the margin')
  t.notOk(isUsable(cert, { ...identity, addresses: ['10.96.0.2'] }, authority.cert, now, 'server'), 'another address')
  const other = await createAuthority('test', validFor(10, now))
  t.notOk(isUsable(cert, identity, other.cert, now, 'server'), 'another authority of the same name')
})

t.test('a request that was tampered with is refused', async (t) => {
  const { csr } = await createSigningRequest({ commonName: 'a' })
  const lines = csr.trim().split('\n')
  const body = Buffer.from(lines.slice(1, -1).join(''), 'base64')
  body[body.length - 1] = (body.at(-1) ?? 0) ^ 1
  const bad = `${lines[0]}\n${body.toString('base64')}\n${lines.at(-1)}\n`
  await t.rejects(signRequest(authority, bad, { commonName: 'x' }, validFor(1, now), 'client'))
  await t.rejects(readSigningRequest(bad))
})

t.test('join tokens remember the authority', async (t) => {
  const caHash = certificateHash(authority.cert)
  t.equal(caHash, new X509Certificate(authority.cert).fingerprint256.replaceAll(':', '').toLowerCase())
  const token = newBootstrapToken()
  const { id, secret } = token
  t.strictSame(parseJoinToken(`${formatJoinToken({ caHash, token })}\n`), { caHash, token })
  for (const bad of [
    ...[
      '',
      'podway1.abc.s',
      `podway1.${caHash}.`,
      `podway1.${caHash}.${secret}`,
      `podway1.${caHash}.${id}.${secret}.x`,
    ],
    ...[`podway2.${caHash}.${id}.${secret}`, `podway1.${caHash}.${id}.${secret.toUpperCase()}-`],
  ])
    t.throws(() => parseJoinToken(bad), /not a join token/, bad)
})
