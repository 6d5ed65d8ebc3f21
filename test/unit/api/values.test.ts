import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readKubeconfig, renderKubeconfig } from '../../../src/api/kubeconfig.ts'
import { parseQuantity, quantityMilli, quantityValue } from '../../../src/api/quantity.ts'
import { nodes, objectKey, pods, resourcePath, splitKey } from '../../../src/api/resources.ts'
import {
  formatLabelSelector,
  matchLabelSelector,
  matchMap,
  parseFieldSelector,
  parseLabelSelector,
} from '../../../src/api/selectors.ts'

t.test('quantities', async (t) => {
  const cases: readonly (readonly [string, number])[] = [
    ['1', 1],
    ['1Ki', 1024],
    ['1.5Gi', 1_610_612_736],
    ['2e3', 2000],
    ['100m', 1],
    ['1k', 1000],
    ['.5', 1],
    ['5G', 5e9],
  ]
  for (const [text, value] of cases) t.equal(quantityValue(text), value, text)
  t.equal(quantityMilli('250m'), 250)
  t.equal(quantityMilli('0.1'), 100)
  t.equal(quantityMilli('1n'), 1, 'rounded up')
  for (const text of ['', 'x', '1 Gi', '1KiB', '--1']) t.equal(parseQuantity(text), undefined, text)
})

t.test('label selectors', async (t) => {
  const labels = { app: 'web', tier: 'front', empty: '' }
  const cases: readonly (readonly [string, boolean])[] = [
    ['', true],
    ['app=web', true],
    ['app==web,tier=front', true],
    ['app!=web', false],
    ['nothing!=x', true],
    ['tier in (front, back)', true],
    ['tier notin (front)', false],
    ['empty', true],
    ['!empty', false],
    ['!other', true],
  ]
  for (const [text, wanted] of cases) t.equal(parseLabelSelector(text)(labels), wanted, text)
  for (const text of ['a b', '=x', 'a in b', 'a=b c', 'A/B/c=d'])
    t.throws(() => parseLabelSelector(text), { code: 400 }, text)
  const selector = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] } as const
  t.ok(matchLabelSelector(selector)(labels))
  t.equal(formatLabelSelector(selector), 'app=web,tier')
  t.notOk(matchLabelSelector(undefined)(labels), 'a missing selector selects nothing')
  t.ok(matchLabelSelector({})(labels), 'an empty one everything')
  t.notOk(matchMap({})(labels), 'an empty map nothing')
})

t.test('field selectors', async (t) => {
  t.same(parseFieldSelector('a.b=c,d!=e'), [
    { field: 'a.b', negated: false, value: 'c' },
    { field: 'd', negated: true, value: 'e' },
  ])
  t.same(parseFieldSelector('a=x\\,y'), [{ field: 'a', negated: false, value: 'x,y' }])
  t.throws(() => parseFieldSelector('a'), { code: 400 })
})

t.test('paths and keys', async (t) => {
  t.equal(resourcePath(pods, 'default', 'a b', 'log'), '/api/v1/namespaces/default/pods/a%20b/log')
  t.equal(resourcePath(pods), '/api/v1/pods')
  t.equal(resourcePath(nodes, undefined, 'n'), '/api/v1/nodes/n')
  t.equal(objectKey({ metadata: { name: 'a', namespace: 'b' } }), 'b/a')
  t.same(splitKey('b/a'), { namespace: 'b', name: 'a' })
  t.same(splitKey('a'), { namespace: '', name: 'a' })
})

t.test('kubeconfigs', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-kubeconfig-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'config')
  const connection = { server: 'https://192.0.2.1:6443', ca: 'CA\n', cert: 'CERT\n', key: 'KEY\n' }
  await writeFile(file, renderKubeconfig('me', connection))
  t.match(await readKubeconfig(file), connection, 'what we write, we read')

  await writeFile(join(folder, 'token'), 'secret\n')
  await writeFile(
    file,
    `apiVersion: v1
clusters: [{ name: c, cluster: { server: 'https://192.0.2.2', certificate-authority-data: ${btoa('CA')} } }]
users:
  - name: u
    user: { tokenFile: token }
contexts: [{ name: x, context: { cluster: c, user: u } }]
current-context: x
`,
  )
  t.match(
    await readKubeconfig(file),
    { server: 'https://192.0.2.2', ca: 'CA', token: 'secret' },
    'what others write, too',
  )
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['{', /cannot use .*config/],
    ['current-context: x', /contexts is missing/],
    ['{"contexts": [], "current-context": "x"}', /no entry named "x" in contexts/],
  ]
  for (const [text, why] of wrong) {
    await writeFile(file, text)
    await t.rejects(readKubeconfig(file), why)
  }
})
