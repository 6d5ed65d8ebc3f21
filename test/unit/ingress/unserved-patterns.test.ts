/** Patterns that cannot be served: their routes are closed, and nothing else is. */
import t from 'tap'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { parseRequestHead, type RequestHead } from '../../../src/proxy/ingress/http/request-head.ts'
import { match } from '../../../src/proxy/ingress/routes/match.ts'
import { ingress, path } from '../../support/ingress-objects.ts'
import { compiledTable } from '../../support/route-table.ts'

const head = (host: string, target: string): RequestHead =>
  parseRequestHead(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, defaultLimits)

const annotated = (...annotations: readonly (readonly [string, string])[]) =>
  Object.fromEntries(annotations.map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]))

const sound = ingress({ name: 'sound', rules: { 'good.lab': [path('prefix:/', 'web')] } })

for (const [name, annotations] of [
  ['use-regex', annotated(['use-regex', 'true'])],
  ['rewrite-target', annotated(['rewrite-target', '/$1'])],
] as const)
  t.test(`${name} with a pattern that is none`, async (t) => {
    for (const pattern of [
      '/(a',
      '/[z-a]',
      '/**',
      '/(a+)+(x)?\\2$',
      '/(?!b)a',
      '/a{1000}{1000}',
      `/${'a'.repeat(600)}(`,
    ]) {
      const odd = ingress({ name: 'odd', annotations, rules: { 'bad.lab': [path(`any:${pattern}`, 'web')] } })
      const { table, problems } = compiledTable([odd, sound])
      const start = pattern.startsWith('/**') ? '/' : '/a'
      const broken = match(table, head('bad.lab', `${start}${'a'.repeat(200)}`))
      t.equal(broken?.policy.blocked?.status, 503, `${pattern}: closed`)
      const other = match(table, head('good.lab', '/a'))
      t.equal(other?.origin.name, 'sound', `${pattern}: others are served`)
      t.notOk(other?.policy.blocked, 'and open')
      t.match(problems, [{ ingress: 'default/odd', message: /answered with 503/ }], 'it is told')
    }
  })

t.test('what a broken pattern may have guarded is closed, and what is more precise is not', async (t) => {
  const rules = {
    'a.lab': [path('any:/admin(?!/public)', 'admin'), path('any:/admin/help', 'web'), path('any:/', 'web')],
  }
  const { table } = compiledTable([ingress({ annotations: annotated(['use-regex', 'true']), rules })])
  t.equal(match(table, head('a.lab', '/admin/secret'))?.policy.blocked?.status, 503)
  t.notOk(match(table, head('a.lab', '/admin/help'))?.policy.blocked)
  t.notOk(match(table, head('a.lab', '/shop'))?.policy.blocked)
})

t.test('a canary with a broken path takes nobody', async (t) => {
  const main = ingress({
    name: 'main',
    rules: { 'a.lab': [path('any:/x(/|$)', 'web')] },
    annotations: annotated(['use-regex', 'true']),
  })
  const canary = ingress({
    ...{ name: 'canary', rules: { 'a.lab': [path('any:/x(', 'web')] } },
    annotations: annotated(['use-regex', 'true'], ['canary', 'true'], ['canary-weight', '100']),
  })
  const { table } = compiledTable([main, canary])
  const route = match(table, head('a.lab', '/x'))
  t.notOk(route?.policy.blocked)
  t.notOk(route?.canary)
})

t.test('many large patterns cannot hold a thread with one long path', async (t) => {
  const paths = Array.from({ length: 200 }, (_, at) => path(`any:/(?:.*a.{400})?x${at}`, 'web'))
  const annotations = annotated(['use-regex', 'true'])
  const { table } = compiledTable([ingress({ annotations, rules: { 'a.lab': paths } })])
  t.equal(match(table, head('a.lab', '/y')), undefined, 'short ones are looked for in all')
  t.throws(() => match(table, head('a.lab', `/${'ab'.repeat(3_500)}`)), /too long for the patterns/)
})
