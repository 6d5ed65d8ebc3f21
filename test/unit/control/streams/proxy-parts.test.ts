import t from 'tap'
import { answerHeaders, requestHeaders } from '../../../../src/control/streams/proxy/headers.ts'
import { rewriteAddress, rewriteHtml } from '../../../../src/control/streams/proxy/rewrite.ts'
import { parseProxyName } from '../../../../src/control/streams/proxy/target.ts'

t.test('names of what is proxied to', async (t) => {
  t.same(parseProxyName('web', 'pod'), { scheme: 'http', name: 'web', port: '' })
  t.same(parseProxyName('web:80', 'pod'), { scheme: 'http', name: 'web', port: '80' })
  t.same(parseProxyName('https:web:', 'service'), { scheme: 'https', name: 'web', port: '' })
  t.same(parseProxyName(':web:http', 'service'), { scheme: 'http', name: 'web', port: 'http' })
  for (const wrong of ['', ':', '::', 'ftp:web:21', 'a:b:c:d', 'https::443'])
    t.throws(() => parseProxyName(wrong, 'service'), { code: 400, message: /^invalid service request/ }, wrong)
})

const place = { prefix: '/api/v1/namespaces/n/services/web/proxy', hosts: ['10.0.0.1:80', 'localhost:8001'] }
const at = (path: string) => `${place.prefix}${path}`

t.test('addresses of the other side lie below the proxy', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    ...{ '/a/b?c=/d#e': at('/a/b?c=/d#e'), '/': at('/'), 'a/b': 'a/b', '?x': '?x', '#x': '#x', '': '' },
    ...{ 'http://10.0.0.1:80/x': at('/x'), 'http://10.0.0.1:80': at('/'), '//localhost:8001/y': at('/y') },
    ...{ 'https://example.com/x': 'https://example.com/x', '//example.com/x': '//example.com/x' },
    ...{ [at('/z')]: at('/z'), 'mailto:a@b': 'mailto:a@b', 'javascript:alert(1)': 'javascript:alert(1)' },
  }
  for (const [given, wanted] of Object.entries(cases)) t.equal(rewriteAddress(given, place), wanted, given)
})

t.test('pages', async (t) => {
  t.equal(
    rewriteHtml(`<a href="/x">/x</a><IMG alt="/y" SRC = '/y'><form action="z"> a < b href="/q"`, place),
    `<a href="${at('/x')}">/x</a><IMG alt="/y" SRC = '${at('/y')}'><form action="z"> a < b href="/q"`,
  )
  const started = performance.now()
  rewriteHtml('<a '.repeat(200_000), place)
  rewriteHtml(`<a ${'href '.repeat(200_000)}`, place)
  rewriteHtml(`<a ${' href=" '.repeat(100_000)}>`, place)
  t.ok(performance.now() - started < 3_000, 'in no time, whatever they hold')
})

t.test('headers', async (t) => {
  const headers = {
    ...{
      authorization: ['Bearer x'],
      'impersonate-user': ['y'],
      'x-remote-user': ['z'],
      host: ['api'],
      accept: ['a', 'b'],
    },
    ...{ connection: ['close, x-own'], 'x-own': ['1'], 'transfer-encoding': ['chunked'], 'content-length': ['3'] },
  }
  const forwarded = { host: '10.0.0.1:80', uri: '/p/x', originalHost: 'api' }
  const kept = {
    ...{ accept: ['a', 'b'], 'content-length': ['3'], host: '10.0.0.1:80' },
    ...{ 'x-forwarded-uri': '/p/x', 'x-forwarded-host': 'api', 'x-forwarded-proto': 'https' },
  }
  t.same(requestHeaders(headers, forwarded), kept)
  t.same(requestHeaders(headers, { ...forwarded, upgrade: 'websocket' }), {
    ...{ ...kept, connection: 'Upgrade', upgrade: 'websocket' },
  })
  const answer = {
    ...{ 'content-type': 'text/html', 'set-cookie': ['a', 'b'], 'access-control-allow-origin': '*' },
    ...{ connection: 'keep-alive, x-own', 'keep-alive': 'timeout=5', 'x-own': '1', etag: 'e' },
  }
  t.same(answerHeaders(answer), { 'set-cookie': ['a', 'b'], etag: 'e' })
})
