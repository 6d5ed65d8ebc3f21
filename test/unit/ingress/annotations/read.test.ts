/** Every annotation: a right value, a wrong one; and what goes for all of them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ingressDefaults, readAnnotations } from '../../../../src/proxy/ingress/annotations/read.ts'
import { annotationTable, rowOf } from '../../../../src/proxy/ingress/annotations/table.ts'
import { annotationCases } from './cases.ts'
import { lookup, prefixed, read } from './support.ts'

const keys = Object.keys(annotationTable)

t.test('the cases cover the table', async (t) => {
  const noted = keys.filter((key) => rowOf(key)?.note)
  t.same([...Object.keys(annotationCases), ...noted].sort(), [...keys].sort())
})

t.test('the README tells of every key, and of no other', async (t) => {
  const file = join(import.meta.dirname, '../../../../src/proxy/ingress/annotations/README.md')
  const rows = readFileSync(file, 'utf8').matchAll(/^\| (`[^|]*) \|/gm)
  const told = [...rows].flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, key]) => key))
  t.same(told.sort(), [...keys].sort())
})

for (const [key, each] of Object.entries(annotationCases)) {
  t.test(`${key}: right`, async (t) => {
    const settings = read({ ...each.beside, [key]: each.right })
    t.same(each.gives(settings), each.as)
    t.same(
      settings.problems.filter(({ severity }) => severity === 'error'),
      [],
    )
    t.notOk(settings.policy.blocked)
  })

  t.test(`${key}: wrong`, async (t) => {
    const settings = read({ ...each.beside, [key]: each.wrong })
    const found = settings.problems.filter((problem) => problem.key === prefixed(key) && problem.severity === 'error')
    t.match(found, [{ value: each.wrong, reason: each.reason }])
    t.notSame(each.gives(settings), each.as, 'and the value is not taken')
    t.equal(settings.policy.blocked?.status, each.closes ? 503 : undefined)
    if (each.closes) t.match(settings.policy.blocked?.why, each.reason)
  })

  t.test(`${key}: empty`, async (t) => {
    const { problems } = read({ ...each.beside, [key]: ' ' })
    t.match(
      problems.filter((problem) => problem.key === prefixed(key) && problem.severity === 'error'),
      [{ reason: 'is empty' }],
    )
  })
}

for (const key of keys.filter((each) => rowOf(each)?.note))
  t.test(`${key}: told, and nothing more`, async (t) => {
    const settings = read({ [key]: 'x' })
    const { problems } = settings
    t.equal(problems.length, 1)
    t.match(problems, [{ key: prefixed(key), value: 'x', ...rowOf(key)?.note }])
    t.same({ ...settings, problems: [] }, read({}))
  })

t.test('nothing written: what ingress-nginx does', async (t) => {
  const { policy, problems, ...others } = readAnnotations({ namespace: 'default', annotations: {} }, lookup)
  t.same(policy, ingressDefaults)
  t.same(policy.timeouts, { connect: 5000, send: 60_000, read: 60_000 })
  t.match(policy, { maxBodyBytes: 1_048_576, sslRedirect: 'with-certificate', retries: { tries: 3, timeout: true } })
  t.same(problems, [])
  t.same(others, {
    ...{ regex: false, aliases: [], wwwRedirect: false, passthrough: false, serviceUpstream: false },
    ...{ errorStatuses: [], secrets: [], configMaps: [] },
  })
})

const raw = (annotations: Readonly<Record<string, string>>) =>
  readAnnotations({ namespace: 'default', annotations }, lookup)

t.test('two prefixes: ours goes first', async (t) => {
  const both = {
    'nginx.ingress.kubernetes.io/proxy-body-size': '1k',
    'ingress.podway.dev/proxy-body-size': '2k',
  }
  t.equal(raw(both).policy.maxBodyBytes, 2048)
  t.same(raw(both).problems, [])
  t.same(raw({ 'kubernetes.io/ingress.class': 'x', 'example.com/proxy-body-size': '1k' }).problems, [])
})

t.test('unknown keys', async (t) => {
  const reasonOf = (key: string) => raw({ [key]: 'x' }).problems.map(({ reason, severity }) => `${severity}: ${reason}`)
  const theirs = 'nginx.ingress.kubernetes.io/'
  t.same(reasonOf(`${theirs}proxy-body-siez`), ['error: unknown annotation, did you mean proxy-body-size?'])
  t.same(reasonOf(`${theirs}whitelist-source-rnge`), [
    'error: unknown annotation, did you mean whitelist-source-range?',
  ])
  t.same(reasonOf(`${theirs}hsts`), ['error: unknown annotation, did you mean ingress.podway.dev/hsts?'])
  t.same(reasonOf(`${theirs}flux-capacitor`), ['error: unknown annotation'])
  for (const key of ['constructor', '__proto__', 'toString'])
    t.same(reasonOf(theirs + key), ['error: unknown annotation'])
})

t.test('defaults that are given go before those of nginx', async (t) => {
  const defaults = { ...ingressDefaults, maxBodyBytes: 7, allow: ['10.0.0.0/8'] }
  const annotations = { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '1' }
  const { policy } = readAnnotations({ namespace: 'default', annotations }, lookup, defaults)
  t.match(policy, { maxBodyBytes: 7, allow: ['10.0.0.0/8'], timeouts: { connect: 5000, read: 1000 } })
})

t.test('values may have blanks around them', async (t) => {
  t.equal(read({ 'proxy-body-size': ' 1k\n' }).policy.maxBodyBytes, 1024)
})
