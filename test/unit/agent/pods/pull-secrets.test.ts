import { pino } from 'pino'
import t from 'tap'
import { createPullSecrets, registryLogins } from '../../../../src/agent/pods/pull-secrets.ts'
import { createClient } from '../../../../src/api/client.ts'
import { secrets } from '../../../../src/api/resources.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'
import { pod } from './builders.ts'

const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')
const ofType = (type: string, key: string, value: unknown) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } },
  ...{ type, data: { [key]: base64(value) } },
})
const config = (value: unknown) => ofType('kubernetes.io/dockerconfigjson', '.dockerconfigjson', value)

t.test('what a Secret holds', async (t) => {
  const auths = {
    'https://index.docker.io/v1/': { auth: base64('me:a:b') },
    'r.test:5000': { username: 'u', password: 'p', email: 'x' },
    'half.test': { username: 'u' },
    'none.test': 'x',
  }
  const logins = [
    { registry: 'https://index.docker.io/v1/', credential: { kind: 'basic', username: 'me', password: 'a:b' } },
    { registry: 'r.test:5000', credential: { kind: 'basic', username: 'u', password: 'p' } },
  ]
  t.same(registryLogins(config({ auths })), logins)
  t.same(registryLogins(ofType('kubernetes.io/dockercfg', '.dockercfg', auths)), logins)
})

t.test('what is none is refused, and nothing of it is told', async (t) => {
  for (const secret of [config('geheim {'), config('null'), config({ auths: [] }), ofType('Opaque', 'x', 'geheim')])
    t.throws(() => registryLogins(secret), { message: /^(?!.*geheim)/ })
})

t.test('of the Secrets that a pod names, those that can be used', async (t) => {
  const client = createClient(await openClusterApi())
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const { metadata: _, ...good } = config({ auths: { 'r.test': { username: 'u', password: 'p' } } })
  const { metadata: __, ...bad } = config('geheim {')
  await client.create(secrets, { ...good, metadata: { name: 'good', namespace: 'default' } })
  await client.create(secrets, { ...bad, metadata: { name: 'bad', namespace: 'default' } })
  const loginsOf = createPullSecrets(client, log)
  const names = [{ name: 'good' }, { name: 'bad' }, { name: 'gone' }, {}]
  t.same(await loginsOf(pod({ imagePullSecrets: names })), [
    { registry: 'r.test', credential: { kind: 'basic', username: 'u', password: 'p' } },
  ])
  const told = lines.map((line) => (JSON.parse(line) as { readonly secret: string }).secret)
  t.same(told.sort(), ['bad', 'gone'])
  t.notMatch(lines.join(), /geheim/)
})
