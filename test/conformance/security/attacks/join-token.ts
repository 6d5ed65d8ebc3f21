/** What the holder of a join token can become. */
import { createSigningRequest, type Identity } from '../../../../src/api/certificates.ts'
import { parseJoinToken } from '../../../../src/api/join-token.ts'
import type { Connection } from '../../../../src/api/kubeconfig.ts'
import { kubeletClientSigner, kubeletServingSigner } from '../../../../src/api/signers.ts'
import { until } from '../../../support/until.ts'
import { bearerOf } from '../accounts.ts'
import type { Attack, AttackedLab } from '../attacked-lab.ts'

const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
const nodes = ['system:nodes']
const clientUsages = ['digital signature', 'client auth']
const serverUsages = ['digital signature', 'server auth']

interface Wish {
  readonly signer: string
  readonly identity: Identity
  readonly usages: readonly string[]
}

const client = (commonName: string, organizations: readonly string[] = nodes, more: Partial<Identity> = {}): Wish => ({
  ...{ signer: kubeletClientSigner, usages: clientUsages },
  identity: { commonName, organizations, ...more },
})

/** None of these may ever be signed. */
const wishes: Readonly<Record<string, Wish>> = {
  'the API server by its name': client('system:node:kubernetes.default.svc'),
  'the API server by its address': client('system:node:10.96.0.1', nodes, { addresses: ['10.96.0.1'] }),
  'a node that lives': client('system:node:node2'),
  'an administrator': client('system:node:evil', ['system:nodes', 'system:masters']),
  'somebody who is no node': client('admin', nodes),
  'a node of no group': client('system:node:evil', []),
  'a node without a name': client('system:node:'),
  'all names': client('system:node:evil', nodes, { dnsNames: ['*'] }),
  'a client that serves, too': {
    ...client('system:node:evil'),
    usages: ['digital signature', 'client auth', 'server auth'],
  },
  'an authority': { ...client('system:node:evil'), usages: ['cert sign', 'client auth'] },
  'a serving certificate': {
    signer: kubeletServingSigner,
    usages: serverUsages,
    identity: { commonName: 'system:node:node1', organizations: nodes, addresses: ['172.30.0.2'] },
  },
  'a client of another signer': {
    signer: 'kubernetes.io/kube-apiserver-client',
    usages: clientUsages,
    identity: { commonName: 'admin', organizations: ['system:masters'] },
  },
}

interface Request {
  readonly status?: { readonly certificate?: string; readonly conditions?: readonly { readonly type: string }[] }
}

const newToken = async ({ run }: AttackedLab): Promise<{ readonly id: string; readonly joinToken: string }> =>
  JSON.parse(await run('token', 'create', '--lab', 'lab', '--ttl', '10m', '-o', 'json'))

const bearer = (lab: AttackedLab, joinToken: string): Connection => {
  const { token } = parseJoinToken(joinToken)
  return bearerOf(lab, `${token.id}.${token.secret}`)
}

const askFor = async (lab: AttackedLab, as: Connection, name: string, { signer, identity, usages }: Wish) => {
  const { csr } = await createSigningRequest(identity)
  const body = JSON.stringify({
    ...{ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name } },
    spec: { signerName: signer, usages, request: Buffer.from(csr).toString('base64') },
  })
  return lab.ask(as, { method: 'POST', path: requests, body })
}

const stateOf = async ({ admin, ask }: AttackedLab, name: string): Promise<Request> =>
  JSON.parse((await ask(admin, { path: `${requests}/${name}` })).text)

export const joinTokenAttacks: readonly Attack[] = [
  {
    name: 'certificates of others',
    run: async (t, lab) => {
      const { joinToken } = await newToken(lab)
      const joiner = bearer(lab, joinToken)
      const names: string[] = []
      for (const [what, wish] of Object.entries(wishes)) {
        const name = `evil-${names.length}`
        const { status, text } = await askFor(lab, joiner, name, wish)
        t.ok([201, 403, 422].includes(status), `${what}: ${status} ${text.slice(0, 120)}`)
        names.push(name)
      }
      // Requests are looked at in turn: when this one is signed, those before it have been looked at.
      const good = await askFor(lab, joiner, 'good', client('system:node:newcomer'))
      t.equal(good.status, 201, 'an honest one')
      await until(async () => (await stateOf(lab, 'good')).status?.certificate, 'the certificate of an honest node')
      for (const [at, what] of Object.keys(wishes).entries())
        t.notOk((await stateOf(lab, names[at] ?? '')).status?.certificate, what)
    },
  },
  {
    name: 'anything else of the API',
    run: async (t, lab) => {
      const { joinToken } = await newToken(lab)
      const joiner = bearer(lab, joinToken)
      for (const path of [
        '/api/v1/secrets',
        '/api/v1/namespaces/kube-system/secrets',
        '/api/v1/nodes',
        '/api/v1/pods',
        requests,
        '/podway/v1/join',
      ])
        t.match(`${(await lab.ask(joiner, { path })).status}`, /^(403|404|405)$/, path)
      const approval = { method: 'PUT', path: `${requests}/good/approval`, body: '{}' }
      t.equal((await lab.ask(joiner, approval)).status, 403, 'approval')
    },
  },
  {
    name: 'after the token was revoked',
    run: async (t, lab) => {
      const { id, joinToken } = await newToken(lab)
      await lab.run('token', 'delete', id, '--lab', 'lab')
      const answer = await askFor(lab, bearer(lab, joinToken), 'late', client('system:node:late'))
      t.equal(answer.status, 401)
    },
  },
  {
    name: 'tokens on command lines',
    run: async (t, { onHost }) => {
      for (const host of ['control', 'node1', 'node2']) {
        // Some may end while they are read.
        const lines = await onHost(host, 'sh', '-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null || true')
        t.match(lines, /node/, `${host} is looked at`)
        t.notMatch(lines, /podway1\./, host)
      }
    },
  },
]
