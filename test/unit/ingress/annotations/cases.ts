/** For each annotation a value that is right and one that is wrong. */
import type { IngressSettings } from '../../../../src/proxy/ingress/annotations/settings.ts'

export interface AnnotationCase {
  readonly right: string
  /** What else is there; keys without a prefix. */
  readonly beside?: Readonly<Record<string, string>>
  readonly gives: (settings: IngressSettings) => unknown
  readonly as: unknown
  readonly wrong: string
  readonly reason: RegExp
  /** A wrong value closes the routes. */
  readonly closes?: true
}

type Cases = Readonly<Record<string, AnnotationCase>>

const seconds = (gives: AnnotationCase['gives']): AnnotationCase => ({
  ...{ right: '75s', gives, as: 75_000, wrong: 'soon', reason: /expected seconds/ },
})

const truth = (gives: AnnotationCase['gives'], more: Partial<AnnotationCase> = {}): AnnotationCase => ({
  ...{ right: 'true', gives, as: true, wrong: 'yes', reason: /"true" or "false"/, ...more },
})

const count = (right: string, gives: AnnotationCase['gives'], more: Partial<AnnotationCase> = {}): AnnotationCase => ({
  ...{ right, gives, as: Number(right), wrong: '-1', reason: /whole number/, ...more },
})

const timeouts: Cases = {
  'proxy-connect-timeout': seconds((each) => each.policy.timeouts.connect),
  'proxy-send-timeout': seconds((each) => each.policy.timeouts.send),
  'proxy-read-timeout': seconds((each) => each.policy.timeouts.read),
  'request-timeout': seconds((each) => each.policy.timeouts.request),
  'proxy-next-upstream': {
    right: 'error http_502 http_429 non_idempotent',
    gives: (each) => each.policy.retries,
    as: { tries: 3, within: 0, statuses: [502, 429], timeout: false, nonIdempotent: true, backoff: 0 },
    wrong: 'error sometimes',
    reason: /expected error, timeout/,
  },
  'proxy-next-upstream-tries': count('5', (each) => each.policy.retries.tries),
  'proxy-next-upstream-timeout': seconds((each) => each.policy.retries.within),
  'proxy-body-size': {
    right: '8m',
    gives: (each) => each.policy.maxBodyBytes,
    as: 8_388_608,
    wrong: '8 apples',
    reason: /expected bytes/,
  },
}

const url = 'https://example.com/new?from=$request_uri'
const urlTemplate = ['https://example.com/new?from=', { variable: 'request_uri' }]
const badUrl = { wrong: 'javascript:alert(1)', reason: /expected a URL/ }
const status = { wrong: '200', reason: /301, 302/ }

const redirects: Cases = {
  'permanent-redirect': {
    ...{ right: url, gives: (each) => each.policy.redirect, ...badUrl },
    as: { kind: 'url', status: 301, url: urlTemplate },
  },
  'permanent-redirect-code': {
    ...{ right: '308', beside: { 'permanent-redirect': url }, ...status },
    ...{ gives: (each) => each.policy.redirect?.status, as: 308 },
  },
  'temporal-redirect': {
    ...{ right: url, beside: { 'permanent-redirect': 'https://other.example' }, ...badUrl },
    gives: (each) => each.policy.redirect,
    as: { kind: 'url', status: 302, url: urlTemplate },
  },
  'temporal-redirect-code': {
    ...{ right: '307', beside: { 'temporal-redirect': url }, ...status },
    ...{ gives: (each) => each.policy.redirect?.status, as: 307 },
  },
  'app-root': {
    ...{ right: '/app', gives: (each) => each.policy.appRoot, as: '/app' },
    ...{ wrong: '//evil.example', reason: /another one/ },
  },
  'ssl-redirect': truth((each) => each.policy.sslRedirect, { right: 'false', as: 'never' }),
  'force-ssl-redirect': truth((each) => each.policy.sslRedirect, { as: 'always' }),
  'preserve-trailing-slash': truth((each) => each.policy.preserveTrailingSlash),
  hsts: truth((each) => each.policy.hsts, { right: 'false', as: 'off' }),
  'hsts-max-age': count('600', (each) => each.policy.hsts, {
    as: { maxAge: 600, includeSubDomains: false, preload: false },
  }),
  'hsts-include-subdomains': truth((each) => each.policy.hsts, {
    as: { maxAge: 31_536_000, includeSubDomains: true, preload: false },
  }),
  'hsts-preload': truth((each) => each.policy.hsts, {
    as: { maxAge: 31_536_000, includeSubDomains: false, preload: true },
  }),
}

const paths: Cases = {
  'rewrite-target': {
    ...{ right: '/$2', gives: (each) => [each.rewriteTarget, each.regex], as: ['/$2', true] },
    ...{ wrong: '/$uri', reason: /only groups/ },
  },
  'use-regex': truth((each) => each.regex),
  'server-alias': {
    ...{ right: 'b.lab, *.C.lab', gives: (each) => each.aliases, as: ['b.lab', '*.c.lab'] },
    ...{ wrong: '~^www', reason: /not a host name/ },
  },
  'from-to-www-redirect': truth((each) => each.wwwRedirect),
  'ssl-passthrough': truth((each) => each.passthrough),
}

const enabled = { 'enable-cors': 'true' }

const cors: Cases = {
  'enable-cors': truth((each) => each.policy.cors, {
    as: {
      origins: ['*'],
      methods: ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'],
      headers: [
        ...['DNT', 'Keep-Alive', 'User-Agent', 'X-Requested-With', 'If-Modified-Since'],
        ...['Cache-Control', 'Content-Type', 'Range', 'Authorization'],
      ],
      ...{ expose: [], credentials: true, maxAgeSeconds: 1_728_000 },
    },
  }),
  'cors-allow-origin': {
    ...{ right: 'https://*.Example.com:8443, http://a.lab', beside: enabled, wrong: 'example.com', reason: /origin/ },
    ...{ gives: (each) => each.policy.cors?.origins, as: ['https://*.example.com:8443', 'http://a.lab'] },
  },
  'cors-allow-methods': {
    ...{ right: 'get, PUT', beside: enabled, wrong: 'G@T', reason: /not an HTTP method/ },
    ...{ gives: (each) => each.policy.cors?.methods, as: ['GET', 'PUT'] },
  },
  'cors-allow-headers': {
    ...{ right: 'X-A,X-B', beside: enabled, wrong: 'X A', reason: /not a name/ },
    ...{ gives: (each) => each.policy.cors?.headers, as: ['X-A', 'X-B'] },
  },
  'cors-expose-headers': {
    ...{ right: '*, X-B', beside: enabled, wrong: 'X:A', reason: /not a name/ },
    ...{ gives: (each) => each.policy.cors?.expose, as: ['*', 'X-B'] },
  },
  'cors-allow-credentials': truth((each) => each.policy.cors?.credentials, {
    ...{ right: 'false', beside: enabled, as: false },
  }),
  'cors-max-age': count('600', (each) => each.policy.cors?.maxAgeSeconds, { beside: enabled }),
}

const ranges = { right: '10.0.0.7/8, 2001:db8::1', as: ['10.0.0.0/8', '2001:db8::1/128'] }
const badRange = { wrong: '10.0.0.0/33', reason: /neither an address nor a network/ }

const limited = { 'limit-rps': '2' }

const access: Cases = {
  'allowlist-source-range': { ...ranges, ...badRange, gives: (each) => each.policy.allow, closes: true },
  'whitelist-source-range': { ...ranges, ...badRange, gives: (each) => each.policy.allow, closes: true },
  'denylist-source-range': { ...ranges, ...badRange, gives: (each) => each.policy.deny, closes: true },
  satisfy: { right: 'any', gives: (each) => each.policy.satisfy, as: 'any', wrong: 'some', reason: /all, any/ },
  'enable-access-log': truth((each) => each.policy.accessLog, { right: 'false', as: false }),
  'limit-rps': count('7', (each) => each.policy.rateLimit, { as: { perSecond: 7, burst: 5, exempt: [] } }),
  'limit-rpm': count('7', (each) => each.policy.rateLimit, { as: { perMinute: 7, burst: 5, exempt: [] } }),
  'limit-connections': count('7', (each) => each.policy.rateLimit, { as: { connections: 7, burst: 5, exempt: [] } }),
  'limit-burst-multiplier': count('3', (each) => each.policy.rateLimit?.burst, { beside: limited }),
  'limit-allowlist': { ...ranges, ...badRange, beside: limited, gives: (each) => each.policy.rateLimit?.exempt },
  'limit-whitelist': { ...ranges, ...badRange, beside: limited, gives: (each) => each.policy.rateLimit?.exempt },
}

const basic = { 'auth-type': 'basic', 'auth-secret': 'users' }
const asked = { 'auth-url': 'http://auth.lab/check' }
const shown = { 'auth-tls-secret': 'default/clients' }

const auth: Cases = {
  'auth-type': {
    ...{ right: 'basic', beside: { 'auth-secret': 'users' }, wrong: 'digest', reason: /not served/, closes: true },
    gives: (each) => each.policy.basicAuth?.realm,
    as: 'Authentication Required',
  },
  'auth-secret': {
    ...{ right: 'default/users', beside: { 'auth-type': 'basic' }, wrong: 'nobody', reason: /does not exist/ },
    ...{ gives: (each) => Object.keys(each.policy.basicAuth?.users ?? {}), as: ['ann'], closes: true },
  },
  'auth-secret-type': {
    ...{ right: 'auth-map', beside: { ...basic, 'auth-secret': 'map' }, wrong: 'auth-table', reason: /auth-map/ },
    ...{ gives: (each) => Object.keys(each.policy.basicAuth?.users ?? {}), as: ['bob'], closes: true },
  },
  'auth-realm': {
    ...{ right: 'The Lab', beside: basic, wrong: 'a "lab"', reason: /quotes/ },
    ...{ gives: (each) => each.policy.basicAuth?.realm, as: 'The Lab' },
  },
  'auth-url': {
    ...{ right: 'https://auth.lab/$host', wrong: 'auth.lab', reason: /expected a URL/, closes: true },
    gives: (each) => each.policy.externalAuth,
    as: { url: ['https://auth.lab/', { variable: 'host' }], responseHeaders: [], signInRedirectParam: 'rd' },
  },
  'auth-method': {
    ...{ right: 'post', beside: asked, gives: (each) => each.policy.externalAuth?.method, as: 'POST' },
    ...{ wrong: 'GET /', reason: /not an HTTP method/ },
  },
  'auth-signin': {
    ...{ right: 'https://$host/start', beside: asked, wrong: 'https://$nobody/', reason: /\$nobody is not known/ },
    ...{ gives: (each) => each.policy.externalAuth?.signIn, as: ['https://', { variable: 'host' }, '/start'] },
  },
  'auth-signin-redirect-param': {
    ...{ right: 'back', beside: asked, wrong: 'a&b', reason: /query field/ },
    ...{ gives: (each) => each.policy.externalAuth?.signInRedirectParam, as: 'back' },
  },
  'auth-response-headers': {
    ...{ right: 'X-User, X-Mail', beside: asked, wrong: 'X User', reason: /not a name/ },
    ...{ gives: (each) => each.policy.externalAuth?.responseHeaders, as: ['x-user', 'x-mail'] },
  },
  'auth-request-redirect': {
    ...{ right: '$request_uri', beside: asked, wrong: 'a b', reason: /visible ASCII/ },
    ...{ gives: (each) => each.policy.externalAuth?.requestRedirect, as: [{ variable: 'request_uri' }] },
  },
  'auth-tls-secret': {
    ...{ right: 'default/clients', wrong: 'other/clients', reason: /another namespace/, closes: true },
    gives: (each) => each.clientCertificates && { ...each.clientCertificates, ca: '' },
    as: { ca: '', verify: 'required', depth: 1, pass: false },
  },
  'auth-tls-verify-client': {
    ...{ right: 'optional_no_ca', beside: shown, wrong: 'maybe', reason: /expected on, off/, closes: true },
    ...{ gives: (each) => each.clientCertificates?.verify, as: 'optional-any' },
  },
  'auth-tls-verify-depth': count('3', (each) => each.clientCertificates?.depth, { beside: shown }),
  'auth-tls-error-page': {
    ...{ right: 'https://a.lab/no', beside: shown, wrong: 'no', reason: /expected a URL/ },
    ...{ gives: (each) => each.clientCertificates?.errorPage, as: 'https://a.lab/no' },
  },
  'auth-tls-pass-certificate-to-upstream': truth((each) => each.clientCertificates?.pass, { beside: shown }),
  'auth-tls-match-cn': {
    ...{ right: 'CN=web-\\d+', beside: shown, wrong: 'CN=(a)\\1', reason: /refers back/, closes: true },
    ...{ gives: (each) => each.clientCertificates?.commonName, as: 'web-\\d+' },
  },
}

const onOff = (gives: AnnotationCase['gives'], more: Partial<AnnotationCase> = {}): AnnotationCase => ({
  ...{ right: 'on', gives, as: true, wrong: 'maybe', reason: /"on" or "off"/, ...more },
})

const backend: Cases = {
  'backend-protocol': {
    ...{ right: 'GRPC', gives: (each) => each.policy.protocol, as: 'h2c' },
    ...{ wrong: 'FCGI', reason: /not served/, closes: true },
  },
  'proxy-http-version': {
    ...{ right: '1.1', gives: (each) => each.problems, as: [], wrong: '2', reason: /expected 1.0, 1.1/ },
  },
  'proxy-ssl-secret': {
    ...{ right: 'default/clients', wrong: 'default/users', reason: /no PEM/, closes: true },
    gives: (each) => [each.policy.backendTls?.verify, Object.keys(each.policy.backendTls ?? {})],
    as: [false, ['verify', 'sni', 'ca']],
  },
  'proxy-ssl-verify': onOff((each) => each.policy.backendTls, { as: { verify: true, sni: false }, closes: true }),
  'proxy-ssl-name': {
    ...{ right: 'db.lab', gives: (each) => each.policy.backendTls?.name, as: 'db.lab' },
    ...{ wrong: 'a b', reason: /not a host name/, closes: true },
  },
  'proxy-ssl-server-name': onOff((each) => each.policy.backendTls?.sni),
  'proxy-ssl-verify-depth': count('2', (each) => each.problems.map(({ severity }) => severity), { as: ['warning'] }),
}

const sticky = { affinity: 'cookie' }
const cookie = (field: string) => (each: IngressSettings) => {
  const { balancing } = each.policy
  return balancing.kind === 'cookie'
    ? Object.entries(balancing.cookie).find(([name]) => name === field)?.[1]
    : undefined
}

const balancing: Cases = {
  'load-balance': {
    ...{ right: 'least_conn', gives: (each) => each.policy.balancing.kind, as: 'least-connections' },
    ...{ wrong: 'ip_hash', reason: /upstream-hash-by/ },
  },
  'upstream-hash-by': {
    ...{ right: '$request_uri-x', wrong: '$lua', reason: /\$lua is not known/ },
    gives: (each) => each.policy.balancing,
    as: { kind: 'hash', by: [{ variable: 'request_uri' }, '-x'] },
  },
  'slow-start': seconds((each) => each.policy.slowStartMs),
  'service-upstream': truth((each) => each.serviceUpstream),
  affinity: {
    ...{ right: 'cookie', beside: { 'upstream-hash-by': '$host' }, wrong: 'ip', reason: /expected cookie/ },
    gives: (each) => each.policy.balancing,
    as: { kind: 'cookie', cookie: { name: 'INGRESSCOOKIE', mode: 'balanced', path: '/', changeOnFailure: false } },
  },
  'affinity-mode': {
    ...{ right: 'persistent', beside: sticky, gives: cookie('mode'), as: 'persistent' },
    ...{ wrong: 'loose', reason: /balanced, persistent/ },
  },
  'affinity-canary-behavior': {
    ...{ right: 'legacy', beside: { canary: 'true', 'canary-weight': '5' }, wrong: 'none', reason: /sticky, legacy/ },
    ...{ gives: (each) => each.canary?.sticky, as: false },
  },
  'session-cookie-name': {
    ...{ right: 'route', beside: sticky, gives: cookie('name'), as: 'route', wrong: 'a b', reason: /not a name/ },
  },
  'session-cookie-path': {
    ...{ right: '/a', beside: sticky, gives: cookie('path'), as: '/a', wrong: '/a;b', reason: /cookie cannot/ },
  },
  'session-cookie-domain': {
    ...{ right: '.a.lab', beside: sticky, gives: cookie('domain'), as: '.a.lab', wrong: 'a;b', reason: /host name/ },
  },
  'session-cookie-max-age': count('60', cookie('maxAgeSeconds'), { beside: sticky }),
  'session-cookie-expires': count('60', cookie('expiresSeconds'), { beside: sticky }),
  'session-cookie-samesite': {
    ...{ right: 'lax', beside: sticky, gives: cookie('sameSite'), as: 'Lax', wrong: 'some', reason: /strict, lax/ },
  },
  'session-cookie-conditional-samesite-none': truth((each) => each.problems.map(({ severity }) => severity), {
    ...{ beside: sticky, as: ['warning'] },
  }),
  'session-cookie-secure': truth(cookie('secure'), { beside: sticky }),
  'session-cookie-change-on-failure': truth(cookie('changeOnFailure'), { beside: sticky }),
}

const isCanary = { canary: 'true' }
const byHeader = { ...isCanary, 'canary-by-header': 'X-Canary' }

const canary: Cases = {
  canary: truth((each) => each.canary, { beside: { 'canary-weight': '10' }, as: { weight: 10, total: 100 } }),
  'canary-by-header': {
    ...{ right: 'X-Canary', beside: isCanary, wrong: 'X Canary', reason: /not a name/ },
    ...{ gives: (each) => each.canary?.header, as: { name: 'x-canary' } },
  },
  'canary-by-header-value': {
    ...{ right: 'beta', beside: { ...byHeader, 'canary-by-header-pattern': '.' }, wrong: 'ü', reason: /ASCII/ },
    ...{ gives: (each) => each.canary?.header, as: { name: 'x-canary', value: 'beta' } },
  },
  'canary-by-header-pattern': {
    ...{ right: '^b', beside: byHeader, wrong: '(?=b)', reason: /looks ahead/ },
    ...{ gives: (each) => each.canary?.header, as: { name: 'x-canary', pattern: '^b' } },
  },
  'canary-by-cookie': {
    ...{ right: 'beta', beside: isCanary, gives: (each) => each.canary?.cookie, as: 'beta' },
    ...{ wrong: 'a=b', reason: /not a name/ },
  },
  'canary-weight': count('40', (each) => each.canary?.weight, { beside: isCanary }),
  'canary-weight-total': count('1000', (each) => each.canary?.total, { beside: { ...isCanary, 'canary-weight': '1' } }),
}

const answers: Cases = {
  'custom-headers': {
    ...{ right: 'default/fields', gives: (each) => each.policy.responseFields.set, as: [['X-Lab', 'yes']] },
    ...{ wrong: 'nothing', reason: /does not exist/ },
  },
  'upstream-vhost': {
    ...{ right: 'Inner.lab:8080', gives: (each) => each.policy.upstreamHost, as: 'inner.lab:8080' },
    ...{ wrong: '$service_name.lab', reason: /variables/ },
  },
  'x-forwarded-prefix': {
    ...{ right: '/app', gives: (each) => each.policy.forwardedPrefix, as: '/app', wrong: 'app', reason: /begins with/ },
  },
  'mirror-target': {
    ...{ right: 'https://test.lab$request_uri', wrong: '/test', reason: /expected a URL/ },
    gives: (each) => each.policy.mirrors,
    as: [{ to: { url: ['https://test.lab', { variable: 'request_uri' }] }, body: true, numerator: 1, denominator: 1 }],
  },
  'mirror-request-body': onOff((each) => each.policy.mirrors[0]?.body, {
    ...{ right: 'off', as: false, beside: { 'mirror-target': 'http://test.lab' } },
  }),
  'mirror-host': {
    ...{ right: 'test.lab', beside: { 'mirror-target': 'http://10.0.0.1' }, wrong: 'a b', reason: /host name/ },
    ...{ gives: (each) => each.policy.mirrors[0]?.host, as: 'test.lab' },
  },
  'custom-http-errors': {
    ...{ right: '404, 503', beside: { 'default-backend': 'errors' }, wrong: '200', reason: /from 300 to 599/ },
    ...{ gives: (each) => each.errorStatuses, as: [404, 503] },
  },
  'default-backend': {
    ...{ right: 'errors', gives: (each) => each.defaultBackend, as: 'errors' },
    ...{ wrong: 'other/errors', reason: /same namespace/ },
  },
  'proxy-redirect-from': {
    ...{ right: 'http://inner/', beside: { 'proxy-redirect-to': '/' }, wrong: '~^http', reason: /expressions/ },
    ...{ gives: (each) => each.policy.redirectFrom, as: { from: 'http://inner/', to: '/' } },
  },
  'proxy-redirect-to': {
    ...{ right: '/', beside: { 'proxy-redirect-from': '/inner/' }, wrong: '/$host/', reason: /variables/ },
    ...{ gives: (each) => each.policy.redirectFrom, as: { from: '/inner/', to: '/' } },
  },
  'proxy-cookie-domain': {
    ...{ right: 'inner.lab a.lab', gives: (each) => each.policy.cookieDomain, as: { from: 'inner.lab', to: 'a.lab' } },
    ...{ wrong: 'inner.lab', reason: /two texts/ },
  },
  'proxy-cookie-path': {
    ...{ right: '/inner /', gives: (each) => each.policy.cookiePath, as: { from: '/inner', to: '/' } },
    ...{ wrong: '/a /;b', reason: /attribute/ },
  },
  'proxy-buffering': onOff((each) => each.problems, { right: 'off', as: [] }),
  'proxy-request-buffering': onOff((each) => each.problems, { right: 'off', as: [] }),
}

/** Every key but those that only have a note. */
export const annotationCases: Cases = {
  ...{ ...timeouts, ...redirects, ...paths, ...cors, ...access, ...auth },
  ...{ ...backend, ...balancing, ...canary, ...answers },
}
