/** Who somebody can make the API believe he is. */
import { createHmac, createPublicKey, randomUUID } from 'node:crypto'
import { accountsPath, accountWith, bearerOf, create, demand, tokenOf } from '../accounts.ts'
import type { Attack, AttackedLab } from '../attacked-lab.ts'

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const decode = (part: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString())

const administrators = 'system:masters'

const secrets = '/api/v1/namespaces/kube-system/secrets'

const headersOfOthers: Readonly<Record<string, Record<string, string>>> = {
  'the front proxy': { 'X-Remote-User': 'admin', 'X-Remote-Group': administrators },
  'an administrator by impersonation': { 'Impersonate-User': 'admin', 'Impersonate-Group': administrators },
  'a group without a user': { 'Impersonate-Group': administrators },
  'another ServiceAccount': { 'Impersonate-User': 'system:serviceaccount:kube-system:default' },
  'a node': { 'Impersonate-User': 'system:node:node1', 'Impersonate-Group': 'system:nodes' },
  'a user with another uid': { 'Impersonate-User': 'nobody', 'Impersonate-Uid': '0' },
  'a user with extras': { 'Impersonate-User': 'nobody', 'Impersonate-Extra-scopes': 'all' },
}

/** Tokens that nobody has signed, made from one that was. */
const forged = async (lab: AttackedLab, token: string): Promise<Readonly<Record<string, string>>> => {
  const [head, claims, signature] = token.split('.')
  const masters = encode({
    ...decode(claims),
    sub: 'system:serviceaccount:kube-system:default',
    groups: [administrators],
  })
  const { keys } = JSON.parse((await demand(lab, { path: '/openid/v1/jwks' })).text)
  const publicKey = createPublicKey({ key: keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  const symmetric = `${encode({ ...decode(head), alg: 'HS256' })}.${masters}`
  return {
    'without a signature': `${encode({ ...decode(head), alg: 'none' })}.${masters}.`,
    'with the signature of another': `${head}.${masters}.${signature}`,
    'signed with the public key': `${symmetric}.${createHmac('sha256', publicKey).update(symmetric).digest('base64url')}`,
    'with a key of its own': `${encode({ ...decode(head), jwk: keys[0], kid: '../../dev/null' })}.${masters}.${signature}`,
    'cut off': `${head}.${claims}`,
    'of many parts': `${token}.${signature}`,
    'very long': `${head}.${'A'.repeat(60_000)}.${signature}`,
  }
}

export const identityAttacks: readonly Attack[] = [
  {
    name: 'names in headers',
    run: async (t, lab) => {
      const poor = await accountWith(lab, 'poor')
      for (const [what, headers] of Object.entries(headersOfOthers)) {
        const { status } = await lab.ask(poor, { path: secrets, headers })
        t.match(`${status}`, /^(400|403)$/, what)
      }
      const nobody = { server: lab.admin.server, ...(lab.admin.ca === undefined ? {} : { ca: lab.admin.ca }) }
      for (const [what, headers] of Object.entries(headersOfOthers)) {
        const { status } = await lab.ask(nobody, { path: secrets, headers })
        t.match(`${status}`, /^(400|401|403)$/, `${what}, as nobody`)
      }
    },
  },
  {
    name: 'forged tokens',
    run: async (t, lab) => {
      await accountWith(lab, 'forger')
      const token = await tokenOf(lab, 'forger')
      t.equal((await lab.ask(bearerOf(lab, token), { path: '/api/v1/pods' })).status, 403, 'the honest one is known')
      for (const [what, bad] of Object.entries(await forged(lab, token)))
        t.match(`${(await lab.ask(bearerOf(lab, bad), { path: '/version' })).status}`, /^(0|401|431)$/, what)
    },
  },
  {
    name: 'tokens of others, of another audience, of somebody who is gone',
    run: async (t, lab) => {
      const poor = await accountWith(lab, `poor-${randomUUID().slice(0, 8)}`)
      const wish = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
      t.equal((await lab.ask(poor, create(`${accountsPath}/forger/token`, wish))).status, 403, 'of another')
      const elsewhere = await tokenOf(lab, 'forger', { audiences: ['somewhere.else'] })
      t.equal((await lab.ask(bearerOf(lab, elsewhere), { path: '/version' })).status, 401, 'another audience')
      const leaving = await accountWith(lab, 'leaving')
      await demand(lab, { method: 'DELETE', path: `${accountsPath}/leaving` })
      t.equal((await lab.ask(leaving, { path: '/version' })).status, 401, 'its account is gone')
      await accountWith(lab, 'leaving')
      t.equal((await lab.ask(leaving, { path: '/version' })).status, 401, 'nor does one of the same name bring it back')
    },
  },
]
