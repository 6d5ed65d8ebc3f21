/** `podway ingress lint`: files, standard input, what is no manifest. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { dataOf, ingressOf } from '../../../src/commands/ingress-objects.ts'
import { readManifests } from '../../../src/commands/manifests.ts'

const folder = mkdtempSync(join(tmpdir(), 'pw-lint-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const main = join(import.meta.dirname, '../../../src/main.ts')

const lint = (args: readonly string[], input = '') => {
  const words = ['--disable-warning=ExperimentalWarning', main, 'ingress', 'lint', ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', input })
  return { status, stdout, stderr }
}

const manifest = (annotation: string): string => `apiVersion: v1
kind: List
items:
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: { name: web, annotations: { ${annotation} } }
    spec:
      rules:
        - host: a.lab
          http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: fields }
data: { X-Lab: "yes" }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: other }
`

t.test('the command: files, standard input, exit codes', async (t) => {
  const [file, broken, old] = ['web', 'broken', 'old'].map((name) => join(folder, `${name}.yaml`)) as [
    string,
    string,
    string,
  ]
  writeFileSync(file, manifest('nginx.ingress.kubernetes.io/proxy-body-size: "big\\u001b[31m"'))
  writeFileSync(broken, 'a: [')
  writeFileSync(old, 'kind: Ingress\napiVersion: extensions/v1beta1\nmetadata: { name: web }\n')
  const bad = lint([file, broken, old])
  t.equal(bad.status, 1)
  t.match(bad.stdout, `${file}: Ingress default/web: nginx.ingress.kubernetes.io/proxy-body-size "big`)
  t.match(bad.stdout, `${broken}: not YAML: `)
  t.match(bad.stdout, `${old}: Ingress web: apiVersion extensions/v1beta1: expected networking.k8s.io/v1`)
  t.match(bad.stdout, /1 Ingress: 3 errors, 0 warnings\n$/)
  t.notMatch(bad.stdout, '\u001b', 'nothing that a terminal would obey')

  const good = lint(['-n', 'shop', '-'], manifest('nginx.ingress.kubernetes.io/custom-headers: shop/fields'))
  t.same(good, { status: 0, stdout: '1 Ingress: 0 errors, 0 warnings\n', stderr: '' })

  const json = lint(['-', '-o', 'json'], manifest('ingress.podway.dev/proxy-buffering: "on"'))
  t.equal(json.status, 0, 'warnings are allowed')
  t.match(JSON.parse(json.stdout), [{ file: '-', object: 'Ingress default/web', severity: 'warning' }])
})

t.test('wrong use, and files that cannot be read', async (t) => {
  t.match(lint([join(folder, 'none.yaml')]), { status: 1, stderr: /cannot read .*none.yaml/ })
  t.match(lint(['-', '-o', 'yaml']), { status: 2, stderr: /only json/ })
})

t.test('manifests: documents, lists, nothing', async (t) => {
  const kinds = (source: string) => readManifests(source).map(({ kind }) => kind)
  t.same(kinds(''), [])
  t.same(kinds('---\n---\n# nothing\n'), [])
  t.same(kinds('kind: A\n---\nkind: B\n'), ['A', 'B'])
  t.same(kinds('kind: List\nitems: [{ kind: A }, { kind: BList, items: [{ kind: B }] }]'), ['A', 'B'])
  t.same(kinds('{"kind": "A"}'), ['A'])
  for (const [source, why] of [
    ['a: [', /not YAML/],
    ['hello', /document 1: expected a mapping/],
    ['a: 1', /document 1: there is no kind/],
    ['kind: List\nitems: [1]', /items\[0\]: expected a mapping/],
    [`a: &a [${'x, '.repeat(99)}x]\nb: &b [${'*a, '.repeat(99)}*a]\nc: [${'*b, '.repeat(99)}*b]`, /not YAML.*alias/],
  ] as const)
    t.throws(() => readManifests(source), { name: 'ManifestError', message: why }, source.slice(0, 20))
})

const ingressFrom = (spec: string, metadata = '{ name: web }') =>
  readManifests(`{ apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: ${metadata}, spec: ${spec} }`).map(
    (object) => ingressOf(object, 'shop'),
  )

t.test('Ingresses: other shapes are told by their place', async (t) => {
  t.match(ingressFrom('{ tls: [{ hosts: [a.lab], secretName: t }] }'), [
    { metadata: { name: 'web', namespace: 'shop' }, spec: { rules: [], tls: [{ hosts: ['a.lab'], secretName: 't' }] } },
  ])
  for (const [spec, why] of [
    ['{ rules: 1 }', /spec.rules: expected a list/],
    ['{ rules: [{ host: 1 }] }', /spec.rules\[0\].host: expected a text: 1 needs quotes/],
    ['{ rules: [{ http: { paths: [{ path: / }] } }] }', /paths\[0\].pathType: expected Exact/],
    ['{ defaultBackend: { service: { port: {} } } }', /service.name: is missing/],
    ['{ defaultBackend: { service: { name: a, port: { number: "80" } } } }', /port.number: expected a number/],
    ['{ defaultBackend: { serviceName: a } }', /old version/],
  ] as const)
    t.throws(() => ingressFrom(spec), { name: 'ManifestError', message: why }, spec)
  t.throws(() => ingressFrom('{}', '{ name: a, annotations: { a/b: true } }'), {
    message: /a\/b"\]: .*true needs quotes/,
  })
  t.throws(() => ingressFrom('{}', '{}'), { message: /metadata.name: is missing/ })
})

t.test('data of Secrets is decoded', async (t) => {
  t.same(dataOf({ kind: 'Secret', data: { a: 'aGk=' }, stringData: { b: 'yo' } }), { a: 'hi', b: 'yo' })
  t.same(dataOf({ kind: 'ConfigMap', data: { a: 'aGk=' } }), { a: 'aGk=' })
})
