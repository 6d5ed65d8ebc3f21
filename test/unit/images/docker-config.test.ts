import t from 'tap'
import { credentialsOf, parseDockerConfig } from '../../../src/images/registry/docker-config.ts'

const auth = (user: string) => ({ auth: Buffer.from(`${user}:p:w`).toString('base64') })
const config = (auths: Readonly<Record<string, object>>) => credentialsOf(parseDockerConfig(JSON.stringify({ auths })))
const usersFor = (auths: Readonly<Record<string, object>>, image: string) =>
  config(auths)
    .for(image)
    .map((credential) => (credential.kind === 'basic' ? credential.username : credential.kind))

const cases: readonly (readonly [key: string, image: string, matches: boolean])[] = [
  ['registry.example', 'registry.example/a/b', true],
  ['https://registry.example', 'registry.example/a', true],
  ['http://registry.example/v1/', 'registry.example/a', true],
  ['registry.example/v2/', 'registry.example/a', true],
  ['registry.example', 'other.example/a', false],
  ['registry.example', 'registry.example:5000/a', false],
  ['registry.example:5000', 'registry.example:5000/a', true],
  ['registry.example:5000', 'registry.example/a', false],
  ['registry.example/team', 'registry.example/team/app', true],
  ['registry.example/team', 'registry.example/other/app', false],
  ['*.example', 'registry.example/a', true],
  ['*.example', 'a.b.example/a', false],
  ['*.*.example', 'a.b.example/a', true],
  ['reg*.example', 'registry.example/a', true],
  ['r?gistry.example', 'registry.example/a', true],
  ['*gi*y.example:*', 'registry.example/a', false],
  ['127.0.0.1:5000', '127.0.0.1:5000/a', true],
  ['example', 'registry.example/a', false],
  ['registry.example.evil', 'registry.example/a', false],
  ['https://index.docker.io/v1/', 'docker.io/library/nginx', true],
  ['index.docker.io', 'docker.io/library/nginx', true],
  ['docker.io', 'docker.io/library/nginx', true],
  ['https://index.docker.io/v1/', 'registry.example/nginx', false],
]

for (const [key, image, matches] of cases)
  t.test(`${key} for ${image}`, async (t) => t.same(usersFor({ [key]: auth('u') }, image), matches ? ['u'] : []))

t.test('keys that say more come first', async (t) => {
  const auths = {
    'a.example': auth('host'),
    'a.example/team/app': auth('app'),
    'a.example/team': auth('team'),
    '*.example': auth('any'),
  }
  t.same(usersFor(auths, 'a.example/team/app'), ['app', 'team', 'host', 'any'])
})

t.test('what a login holds', async (t) => {
  const [basic] = config({ a: auth('u') }).for('a/b')
  t.same(basic, { kind: 'basic', username: 'u', password: 'p:w' }, 'a password may hold a colon')
  t.same(config({ a: { username: 'x', password: 'y' } }).for('a/b'), [{ kind: 'basic', username: 'x', password: 'y' }])
  t.same(config({ a: { ...auth('u'), identitytoken: 'i' } }).for('a/b'), [{ kind: 'identity token', token: 'i' }])
  t.same(config({ a: { registrytoken: 'r' } }).for('a/b'), [{ kind: 'registry token', token: 'r' }])
  t.same(config({ a: {}, b: { auth: '???' }, c: { username: 'x' } }).for('a/b'), [])
  t.same(config({ a: { username: 'x' } }).for('a/b'), [], 'half of one is none')
})

t.test('the older form, and what is neither', async (t) => {
  t.equal(credentialsOf(parseDockerConfig(JSON.stringify({ 'a.example': auth('u') }))).for('a.example/x').length, 1)
  t.throws(() => parseDockerConfig('[]'), /no logins/)
  t.throws(() => parseDockerConfig('{'))
})
