/** Callers with ID tokens of an OpenID provider. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { createOidcUsers, type OidcSettings, openOidcUsers, userOfClaims } from '../../../../src/control/auth/oidc.ts'
import { silentLogger } from '../../../../src/host/log.ts'

const issuer = 'https://id.example.com'
const settings: OidcSettings = {
  ...{ issuer, clientId: 'cluster', usernameClaim: 'sub', groupsClaim: 'groups', groupsPrefix: 'oidc:' },
  ...{ requiredClaims: {}, algorithms: ['RS256'] },
}

const newKey = async (kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256' } }
}

const start = async (changed: Partial<OidcSettings> = {}) => {
  const clock = createFakeClock()
  const first = await newKey('1')
  const provider = { keys: [first], isAway: false, asked: [] as string[], issuer }
  const known = createOidcUsers(
    { ...settings, ...changed },
    {
      ...{ clock, log: silentLogger },
      fetchJson: async (url) => {
        provider.asked.push(url.pathname)
        if (provider.isAway) throw new Error('away')
        return url.pathname === '/keys'
          ? { keys: provider.keys.map(({ jwk }) => jwk) }
          : { issuer: provider.issuer, jwks_uri: `${issuer}/keys` }
      },
    },
  )
  const sign = (claims: JWTPayload, { kid, privateKey } = first) =>
    new SignJWT({ iss: issuer, aud: 'cluster', sub: 'alice', exp: clock.now() / 1000 + 60, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(privateKey)
  const by = async (token: string | Promise<string>) => known({ authorization: `Bearer ${await token}` })
  return { clock, provider, sign, by }
}

t.test('who is known', async (t) => {
  const { clock, provider, sign, by } = await start()
  t.strictSame(await by(sign({ groups: ['dev', 'ops'] })), {
    name: `${issuer}#alice`,
    groups: ['oidc:dev', 'oidc:ops'],
  })
  t.strictSame((await by(sign({ groups: 'dev', aud: ['x', 'cluster'] })))?.groups, ['oidc:dev'])
  t.same(provider.asked, ['/.well-known/openid-configuration', '/keys'], 'the provider is asked once')
  const stranger = await newKey('1')
  for (const [what, token] of Object.entries({
    'for somebody else': sign({ aud: 'other' }),
    'of somebody else': sign({ iss: 'https://other.example.com' }),
    ended: sign({ exp: clock.now() / 1000 - 1 }),
    'not yet good': sign({ nbf: clock.now() / 1000 + 60 }),
    'without an end': sign({ exp: undefined }),
    'without a name': sign({ sub: '' }),
    'with odd groups': sign({ groups: [1] }),
    'signed by a stranger': sign({}, stranger),
    unsigned: Promise.resolve(
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ iss: issuer, aud: 'cluster', sub: 'a', exp: 9e9 })).toString('base64url')}.`,
    ),
    'no token': Promise.resolve('abc'),
  }))
    t.equal(await by(token), undefined, what)
})

t.test('keys that change, and a provider that is away', async (t) => {
  const { clock, provider, sign, by } = await start()
  provider.isAway = true
  t.equal(await by(sign({})), undefined)
  provider.isAway = false
  t.equal(await by(sign({})), undefined, 'it is not asked too often')
  clock.advance(10_000)
  t.ok(await by(sign({})))
  const second = await newKey('2')
  provider.keys = [second]
  clock.advance(10_000)
  t.ok(await by(sign({}, second)), 'a key that nobody has seen before')
  t.equal(await by(sign({})), undefined, 'the old one is gone')
  const other = await start()
  other.provider.issuer = 'https://other.example.com'
  t.equal(await other.by(other.sign({})), undefined, 'a provider that is another one')
})

t.test('names and what is asked of tokens', async (t) => {
  const of = (claims: JWTPayload, changed: Partial<OidcSettings>) =>
    userOfClaims(claims, { ...settings, ...changed }).name
  t.equal(of({ sub: 'a' }, { usernamePrefix: '' }), 'a')
  t.equal(of({ sub: 'a' }, { usernamePrefix: 'x:' }), 'x:a')
  t.equal(of({ email: 'a@b' }, { usernameClaim: 'email' }), 'a@b')
  t.equal(of({ email: 'a@b', email_verified: true }, { usernameClaim: 'email' }), 'a@b')
  t.throws(() => of({ email: 'a@b', email_verified: false }, { usernameClaim: 'email' }), /not verified/)
  t.throws(() => of({ email: 'a@b', email_verified: 'true' }, { usernameClaim: 'email' }), /not verified/)
  t.throws(() => of({ sub: 'a' }, { requiredClaims: { hd: 'example.com' } }), /hd is not "example\.com"/)
  t.equal(of({ sub: 'a', hd: 'example.com' }, { requiredClaims: { hd: 'example.com' }, usernamePrefix: '' }), 'a')
  t.throws(() => of({}, { usernameClaim: 'constructor' }), /names no user/)
  await t.rejects(
    openOidcUsers({ ...settings, issuer: 'http://x' }, { clock: createFakeClock(), log: silentLogger }),
    /no https URL/,
  )
})
