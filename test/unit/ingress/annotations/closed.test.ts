/** What is broken closes the routes; what objects are looked at; combinations. */
import t from 'tap'
import { readAnnotations } from '../../../../src/proxy/ingress/annotations/read.ts'
import { lookup, read } from './support.ts'

const reasons = (settings: ReturnType<typeof read>) => settings.problems.map(({ reason }) => reason)

const closed: Readonly<Record<string, readonly [annotations: Readonly<Record<string, string>>, why: RegExp]>> = {
  'a Secret that is not there': [
    { 'auth-type': 'basic', 'auth-secret': 'none' },
    /Secret default\/none does not exist/,
  ],
  'a Secret without users': [{ 'auth-type': 'basic', 'auth-secret': 'clients' }, /no key "auth"/],
  'users with unknown hashes only': [{ 'auth-type': 'basic', 'auth-secret': 'strangers' }, /nobody could log in/],
  'a Secret of another namespace': [{ 'auth-type': 'basic', 'auth-secret': 'other/users' }, /another namespace/],
  'a type without a Secret': [{ 'auth-type': 'basic' }, /no auth-secret/],
  'a Secret without a type': [{ 'auth-secret': 'users' }, /no auth-type/],
  'an allow list of nothing': [{ 'whitelist-source-range': ' , ' }, /something in it/],
  'an empty allow list': [{ 'whitelist-source-range': '' }, /is empty/],
  'a broken authority': [{ 'auth-tls-secret': 'default/broken-ca' }, /broken certificate/],
  'client certificates without an authority': [{ 'auth-tls-verify-client': 'on' }, /no auth-tls-secret/],
  'a Secret for a backend that is not there': [{ 'proxy-ssl-secret': 'default/none' }, /does not exist/],
}

for (const [name, [annotations, why]] of Object.entries(closed))
  t.test(`closed: ${name}`, async (t) => {
    const { policy, problems } = read(annotations)
    t.match(policy.blocked, { status: 503, why })
    t.match(
      problems
        .filter(({ severity }) => severity === 'error')
        .map(({ reason }) => reason)
        .join('\n'),
      why,
    )
  })

t.test('the objects that were looked at are told, there or not', async (t) => {
  const settings = read({
    'auth-type': 'basic',
    'auth-secret': 'none',
    'custom-headers': 'x',
    'auth-tls-secret': 'clients',
  })
  t.same(settings.secrets, ['default/clients', 'default/none'])
  t.same(settings.configMaps, ['default/x'])
  t.same(
    settings.problems.map(({ missing }) => missing),
    ['Secret default/none', 'ConfigMap default/x'],
  )
})

t.test('an object of another namespace is not even looked at', async (t) => {
  const asked: string[] = []
  const spy = { secret: (key: string) => void asked.push(key), configMap: (key: string) => void asked.push(key) }
  const annotations = {
    'nginx.ingress.kubernetes.io/auth-tls-secret': 'kube-system/ca',
    'nginx.ingress.kubernetes.io/custom-headers': 'kube-system/fields',
  }
  readAnnotations({ namespace: 'default', annotations }, spy)
  t.same(asked, [])
})

t.test('a user whose hash is unknown is named, the hash is not', async (t) => {
  const settings = read({ 'auth-type': 'basic', 'auth-secret': 'mixed' })
  t.same(Object.keys(settings.policy.basicAuth?.users ?? {}), ['ann'])
  t.match(reasons(settings).join('\n'), /user "eve"[\s\S]*/)
  t.match(reasons(settings).join('\n'), /line 3 is not/)
  t.notMatch(JSON.stringify(settings.problems), /secrethash/)
})

t.test('CORS with a broken part is off, not wide open', async (t) => {
  t.equal(read({ 'enable-cors': 'true', 'cors-allow-origin': 'nonsense' }).policy.cors, undefined)
  t.equal(read({ 'enable-cors': 'true', 'cors-allow-credentials': 'no' }).policy.cors, undefined)
})

t.test('a broken canary gets nobody', async (t) => {
  t.same(read({ canary: 'ja', 'canary-weight': '50' }).canary, { weight: 0, total: 100 })
  t.match(read({ canary: 'true', 'canary-weight': '150' }).canary, { weight: 0 })
  const header = { canary: 'true', 'canary-by-header': 'x', 'canary-by-header-pattern': '(' }
  t.equal(read(header).canary?.header, undefined)
})

t.test('annotations beside a canary that do nothing are told', async (t) => {
  const settings = read({ canary: 'true', 'canary-weight': '5', 'proxy-body-size': '1k', affinity: 'cookie' })
  t.match(settings.problems, [{ severity: 'warning', reason: /main Ingress/ }])
  t.equal(settings.problems.length, 1)
  t.match(reasons(read({ 'canary-weight': '5' })), [/without canary/])
  t.match(reasons(read({ canary: 'true' })), [/nobody is sent/])
})

t.test('fields that would break messages are left out', async (t) => {
  const settings = read({ 'custom-headers': 'bad-fields' })
  t.same(settings.policy.responseFields.set, [['X-Lab', 'yes']])
  t.equal(settings.problems.length, 3)
  for (const key of ['x-forwarded-prefix', 'app-root', 'permanent-redirect', 'session-cookie-path', 'auth-realm'])
    t.match(reasons(read({ [key]: '/a\r\nSet-Cookie: b' })), [/ASCII|URL/], key)
})

t.test('patterns that cannot run in linear time are refused', async (t) => {
  for (const pattern of ['(a)\\1', '(?<x>a)\\k<x>', 'a(?=b)', 'a(?!b)', '(?<=a)b', '(?<!a)b', '[', 'a'.repeat(513)])
    t.equal(
      read({ canary: 'true', 'canary-by-header': 'x', 'canary-by-header-pattern': pattern }).canary?.header,
      undefined,
    )
  for (const pattern of ['(a|b)+c', '[(?=]', '\\(?=a', '(?:a)', '(?<name>a)', '\\d{1,3}'])
    t.match(read({ canary: 'true', 'canary-by-header': 'x', 'canary-by-header-pattern': pattern }).canary?.header, {
      pattern,
    })
})

t.test('retries: off, and as many as there are', async (t) => {
  t.equal(read({ 'proxy-next-upstream': 'off' }).policy.retries.tries, 1)
  t.equal(read({ 'proxy-next-upstream-tries': '0' }).policy.retries.tries, 0, 'each endpoint once')
  t.match(reasons(read({ 'proxy-next-upstream': 'error invalid_header' })), [/not asked for again/])
})

t.test('times and sizes', async (t) => {
  const time = (text: string) => read({ 'proxy-read-timeout': text }).policy.timeouts.read
  t.same(['5', '1m', '1m30s', '1h', '250ms'].map(time), [5000, 60_000, 90_000, 3_600_000, 250])
  t.same(['0', '1x', 's', '1e3', '-1', '400d', '9'.repeat(30)].map(time), Array(7).fill(60_000))
  const bytes = (text: string) => read({ 'proxy-body-size': text }).policy.maxBodyBytes
  t.same(['0', '1000', '8k', '1M', '1g'].map(bytes), [0, 1000, 8192, 1_048_576, 1_073_741_824])
})

t.test('warnings of what is served a little differently', async (t) => {
  for (const [key, value, text] of [
    ['load-balance', 'ewma', /counted/],
    ['proxy-http-version', '1.0', /HTTP\/1\.1/],
    ['proxy-buffering', 'on', /as they come/],
    ['custom-http-errors', '404', /default-backend/],
    ['auth-signin', 'https://a.lab', /auth-url/],
  ] as const)
    t.match(read({ [key]: value }).problems, [{ severity: 'warning', reason: text }], key)
  t.equal(lookup.secret('default/none'), undefined)
})

t.test("URLs: who is asked is not the client's to choose", async (t) => {
  const urlOf = (url: string) => read({ 'auth-url': url }).policy.externalAuth?.url
  for (const url of [
    ...['http://a.lab', 'http://a.lab:8080/x?y=$arg_y', 'https://$host/oauth2/auth', 'https://$http_host/x'],
    ...['http://a.lab$request_uri', 'http://auth.$host$uri', "http://10.0.0.1/a;b='c'", 'http://a.lab$is_args$args'],
  ])
    t.ok(urlOf(url), url)
  for (const url of [
    ...['http://$arg_next/', 'http://a.lab$arg_x', 'http://$http_x_auth/', 'http://$cookie_a.lab', 'http://$args'],
    ...['http://$request_uri', 'http://', 'http:///x', 'http://$host@evil.lab/', 'ftp://a.lab', 'http://u:p@a.lab'],
    ...['//a.lab', '/auth', '$scheme://a.lab', 'http://a.lab:99999', 'http://a|b/', 'http://a.lab/<x>'],
  ])
    t.notOk(urlOf(url), url)
  const redirect = (url: string) => read({ 'permanent-redirect': url }).policy.redirect
  for (const url of ['$scheme://a.lab/', '/local?x=$args', 'https://a.lab$request_uri']) t.ok(redirect(url), url)
  for (const url of ['//evil.lab', 'https://$arg_next', 'javascript:x', 'data:x', '$request_uri'])
    t.notOk(redirect(url), url)
})

t.test('ports', async (t) => {
  t.equal(read({ 'upstream-vhost': 'a.lab:65535' }).policy.upstreamHost, 'a.lab:65535')
  for (const host of ['a.lab:65536', 'a.lab:', 'a.lab:x', ':80'])
    t.equal(read({ 'upstream-vhost': host }).policy.upstreamHost, undefined)
  t.equal(read({ 'enable-cors': 'true', 'cors-allow-origin': 'http://a.lab:99999' }).policy.cors, undefined)
})
