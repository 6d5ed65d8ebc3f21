/** What each signer signs, and for whom. */
import t from 'tap'
import type { Identity } from '../../../../../src/api/certificates.ts'
import { clientSigner, kubeletClientSigner, kubeletServingSigner } from '../../../../../src/api/signers.ts'
import {
  isKnownSigner,
  signerRefuses,
  usageOf,
} from '../../../../../src/control/controllers/certificates/signer-rules.ts'

const client = ['digital signature', 'client auth']
const server = ['digital signature', 'server auth']
const node: Identity = { commonName: 'system:node:a', organizations: ['system:nodes'] }
const named: Identity = { ...node, dnsNames: ['a'] }

t.test('three signers, and what their certificates are good for', async (t) => {
  t.same([clientSigner, kubeletClientSigner, kubeletServingSigner].map(usageOf), ['client', 'client', 'server'])
  for (const name of ['kubernetes.io/legacy-unknown', 'toString', '']) {
    t.equal(isKnownSigner(name), false, name)
    t.throws(() => usageOf(name), /there is no signer/)
    t.match(signerRefuses(name, node, client), /there is no signer/)
  }
  t.ok(isKnownSigner(clientSigner))
})

t.test('usages: those that it needs, and none but those that go with them', async (t) => {
  const refuses = (usages?: readonly string[]) => signerRefuses(kubeletClientSigner, node, usages)
  t.equal(refuses(client), undefined)
  t.equal(refuses([...client, 'key encipherment']), undefined)
  t.equal(refuses(['digital signature']), 'usage "client auth" is required')
  t.equal(refuses(['client auth']), 'usage "digital signature" is required')
  t.equal(refuses([]), 'usage "digital signature" is required')
  t.equal(refuses(undefined), 'usage "digital signature" is required')
  t.equal(refuses([...client, 'server auth']), 'usage "server auth" is not allowed')
  t.equal(refuses([...client, 'cert sign']), 'usage "cert sign" is not allowed')
  t.equal(signerRefuses(kubeletServingSigner, named, server), undefined)
  t.equal(signerRefuses(kubeletServingSigner, named, client), 'usage "client auth" is not allowed')
})

t.test('a node is a node: its name, its one group', async (t) => {
  const notANode = 'subject must be O=system:nodes, CN=system:node:NAME'
  for (const identity of [
    { ...node, commonName: 'system:node:' },
    { ...node, commonName: 'admin' },
    { ...node, commonName: 'x-system:node:a' },
    { ...node, organizations: [] },
    { ...node, organizations: ['system:masters'] },
    { ...node, organizations: ['system:nodes', 'system:masters'] },
    { commonName: node.commonName },
  ]) {
    t.equal(signerRefuses(kubeletClientSigner, identity, client), notANode, JSON.stringify(identity))
    t.equal(signerRefuses(kubeletServingSigner, { ...identity, dnsNames: ['a'] }, server), notANode)
  }
})

t.test('who is a client has no names, who serves has some', async (t) => {
  for (const names of [{ dnsNames: ['a'] }, { addresses: ['192.0.2.1'] }]) {
    t.equal(
      signerRefuses(kubeletClientSigner, { ...node, ...names }, client),
      'DNS names and IP addresses are not allowed',
    )
    t.equal(signerRefuses(kubeletServingSigner, { ...node, ...names }, server), undefined)
  }
  t.equal(signerRefuses(kubeletServingSigner, node, server), 'a DNS name or an IP address is required')
})

t.test('anybody else is signed as a client, but for those who may do everything', async (t) => {
  const refuses = (identity: Identity) => signerRefuses(clientSigner, identity, client)
  t.equal(refuses({ commonName: 'jane', organizations: ['dev'] }), undefined)
  t.equal(refuses({ commonName: 'jane' }), undefined)
  for (const identity of [
    { commonName: 'jane', organizations: ['system:masters'] },
    { commonName: 'jane', organizations: ['dev', 'system:masters'] },
    { commonName: 'podway:control' },
  ])
    t.match(refuses(identity), /not signed for anybody/)
})
