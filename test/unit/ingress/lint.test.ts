/** What is found in Ingresses, by sketches. */
import t from 'tap'
import type { Ingress } from '../../../src/api/types/index.ts'
import type { LintWorld } from '../../../src/proxy/ingress/lint/finding.ts'
import { lintIngresses } from '../../../src/proxy/ingress/lint/lint.ts'
import { type IngressSketch, ingress, path } from '../../support/ingress-objects.ts'
import { otherPair, pair } from './annotations/certificates.ts'

const secrets: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'default/good': { 'tls.crt': pair.cert, 'tls.key': pair.key },
  'default/mixed': { 'tls.crt': pair.cert, 'tls.key': otherPair.key },
  'default/half': { 'tls.crt': pair.cert },
  'default/noise': { 'tls.crt': 'x', 'tls.key': 'y' },
  'default/no-key': { 'tls.crt': pair.cert, 'tls.key': 'y' },
}

const cluster: LintWorld = {
  lookup: { secret: (key) => secrets[key], configMap: () => undefined },
  isComplete: true,
}
const files: LintWorld = { ...cluster, isComplete: false }

type Tls = NonNullable<NonNullable<Ingress['spec']>['tls']>

interface Sketch extends IngressSketch {
  readonly tls?: Tls
  readonly nginx?: Readonly<Record<string, string>>
}

const objectOf = ({ tls = [], nginx = {}, ...sketch }: Sketch): Ingress => {
  const annotations = Object.entries(nginx).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value])
  const object = ingress({ ...sketch, annotations: Object.fromEntries(annotations) })
  return { ...object, spec: { ...object.spec, tls } }
}

/** `name severity at: message`. */
const found = (sketches: readonly Sketch[], world: LintWorld = cluster): readonly string[] =>
  lintIngresses(sketches.map(objectOf), world).map(
    ({ ingress: { metadata }, severity, at, message }) => `${metadata.name} ${severity} ${at}: ${message}`,
  )

const web = { 'a.lab': [path('prefix:/', 'web')] }

interface Case {
  readonly name: string
  readonly ingresses: readonly Sketch[]
  readonly world?: LintWorld
  readonly finds: readonly RegExp[]
}

const hosts = (host: string): readonly Sketch[] => [{ rules: { [host]: [path('prefix:/', 'web')] } }]
const paths = (written: string, nginx: Sketch['nginx'] = {}): readonly Sketch[] => [
  { nginx, rules: { 'a.lab': [path(written, 'web')] } },
]
const certified = (secretName: string): readonly Sketch[] => [{ rules: web, tls: [{ secretName }] }]
const pathAt = 'spec\\.rules\\[0\\]\\.http\\.paths\\[0\\]\\.path'
const atPath = (severity: string, message: string, name = 'web') =>
  new RegExp(`^${name} ${severity} ${pathAt}: .*${message}`)

const cases: readonly Case[] = [
  { name: 'nothing', ingresses: [{ rules: web, tls: [{ hosts: ['a.lab'] }] }], finds: [] },
  {
    name: 'annotations',
    ingresses: [{ rules: web, nginx: { 'proxy-body-size': 'big', 'proxy-buffering': 'on' } }],
    finds: [
      /^web error nginx\.ingress\.kubernetes\.io\/proxy-body-size: expected bytes/,
      /^web warning nginx.ingress.kubernetes.io\/proxy-buffering: /,
    ],
  },
  {
    name: 'an object that a cluster does not have',
    ingresses: [{ rules: web, nginx: { 'custom-headers': 'none' } }],
    finds: [/^web error .*custom-headers: ConfigMap default\/none does not exist/],
  },
  {
    name: 'an object that no file has',
    ingresses: [{ rules: web, nginx: { 'custom-headers': 'none' } }],
    world: files,
    finds: [/^web warning .*custom-headers: ConfigMap default\/none cannot be looked at here/],
  },
  { name: 'a host with a port', ingresses: hosts('a.lab:80'), finds: [/error spec.rules\[0\].host: names a port/] },
  { name: 'an address', ingresses: hosts('10.0.0.1'), finds: [/is an address/] },
  { name: 'no host name', ingresses: hosts('a_b!'), finds: [/not a host name/] },
  ...['*', '*.*.lab', 'a.*.lab', 'a*.lab'].map((host) => ({
    ...{ name: `the host ${host}`, ingresses: hosts(host), finds: [/uses "\*" wrongly/] },
  })),
  { name: 'a good wildcard', ingresses: hosts('*.lab'), finds: [] },
  { name: 'a path without a slash', ingresses: paths('prefix:x'), finds: [atPath('error', 'begin with a slash')] },
  { name: 'a path with steps', ingresses: paths('prefix:/a/../b'), finds: [atPath('error', 'matches no request')] },
  { name: 'a path with a query', ingresses: paths('exact:/a?b'), finds: [atPath('error', 'not part of a path')] },
  {
    name: 'a pattern without use-regex',
    ingresses: paths('any:/a(/|$)(.*)'),
    finds: [atPath('warning', 'patterns need use-regex')],
  },
  { name: 'a pattern with it', ingresses: paths('any:/a(/|$)(.*)', { 'use-regex': 'true' }), finds: [] },
  {
    name: 'a pattern that cannot be served',
    ingresses: paths('any:/(a)\\1', { 'use-regex': 'true' }),
    finds: [atPath('error', 'refers back')],
  },
  {
    name: 'a rewrite to a group that the path does not have',
    ingresses: paths('any:/a/(.*)', { 'rewrite-target': '/$2' }),
    finds: [atPath('warning', 'uses \\$2, and this path has only 1')],
  },
  {
    name: 'a backend that is no Service',
    ingresses: [{ defaultBackend: { resource: { kind: 'Bucket', name: 'x' } } }],
    finds: [/error spec.defaultBackend: a backend of kind Bucket/],
  },
  {
    name: 'a Service without a port',
    ingresses: [{ rules: { 'a.lab': [{ ...path('prefix:/', 'web'), backend: { service: { name: 'web' } } }] } }],
    finds: [/paths\[0\].backend: names no port/],
  },
  { name: 'an Ingress of nothing', ingresses: [{}], finds: [/error spec: has neither/] },
  {
    name: 'one path twice: the older wins',
    ingresses: [
      { name: 'young', rules: { 'a.lab': [path('prefix:/x/', 'web')] }, created: '2026-02-01T00:00:00Z' },
      { name: 'old', rules: { 'A.lab': [path('any:/x', 'web')] } },
    ],
    finds: [atPath('error', 'Ingress default/old for host a.lab: that one is older', 'young')],
  },
  {
    name: 'one path twice: the name decides, and the order in one Ingress',
    ingresses: [
      { name: 'a', rules: web },
      { name: 'b', rules: { 'a.lab': [path('exact:/', 'web'), path('exact:/', 'web')] } },
      { name: 'c', rules: web },
    ],
    finds: [/^b error .*paths\[1\].path: is served by this Ingress/, atPath('error', 'default/a .* sorts first', 'c')],
  },
  {
    name: 'Ingresses of different classes do not meet',
    ingresses: [
      { name: 'a', rules: web, className: 'x' },
      { name: 'b', rules: web, className: 'y' },
    ],
    finds: [],
  },
  {
    name: 'a canary beside its main',
    ingresses: [
      { name: 'main', rules: web },
      { name: 'new', rules: web, nginx: { canary: 'true', 'canary-weight': '5' } },
    ],
    finds: [],
  },
  {
    name: 'a canary of nothing',
    ingresses: [{ name: 'new', rules: web, nginx: { canary: 'true', 'canary-weight': '5' } }],
    finds: [atPath('error', 'no other Ingress with this path', 'new')],
  },
  {
    name: 'a second canary',
    ingresses: [
      { name: 'main', rules: web },
      { name: 'new', rules: web, nginx: { canary: 'true', 'canary-weight': '5' } },
      { name: 'newer', rules: web, nginx: { canary: 'true', 'canary-weight': '5' } },
    ],
    finds: [atPath('error', 'default/new', 'newer')],
  },
  {
    name: 'patterns beside text on one host',
    ingresses: [
      { name: 'a', rules: { 'a.lab': [path('prefix:/a', 'web')], 'b.lab': [path('prefix:/a', 'web')] } },
      { name: 'b', rules: { 'a.lab': [path('any:/b', 'web')] }, nginx: { 'use-regex': 'true' } },
    ],
    finds: [atPath('warning', 'Ingress default/b has patterns on host a.lab', 'a')],
  },
  {
    name: 'TLS for a host without a rule',
    ingresses: [{ rules: web, tls: [{ hosts: ['b.lab', 'a.lab', '*.lab'] }] }],
    finds: [/^web warning spec.tls\[0\].hosts: is the host of no rule/],
  },
  {
    name: 'TLS for aliases',
    ingresses: [
      {
        ...{ rules: web, tls: [{ hosts: ['b.lab', 'www.a.lab'] }] },
        nginx: { 'server-alias': 'b.lab', 'from-to-www-redirect': 'true' },
      },
    ],
    finds: [],
  },
  { name: 'a good certificate', ingresses: certified('good'), finds: [] },
  {
    name: 'a certificate for another host',
    ingresses: [{ rules: web, tls: [{ hosts: ['a.lab'], secretName: 'good' }] }],
    finds: [/warning spec.tls\[0\].secretName: the certificate is not for a.lab/],
  },
  {
    name: 'a key of another certificate',
    ingresses: certified('mixed'),
    finds: [/error .*does not belong to tls.crt/],
  },
  { name: 'no key', ingresses: certified('half'), finds: [/error .*tls.key is missing/] },
  { name: 'no certificate', ingresses: certified('noise'), finds: [/error .*tls.crt holds no certificate/] },
  { name: 'a broken key', ingresses: certified('no-key'), finds: [/error .*tls.key is not a private key/] },
  { name: 'no Secret', ingresses: certified('none'), finds: [/error .*Secret default\/none does not exist/] },
  { name: 'no Secret here', ingresses: certified('none'), world: files, finds: [/warning .*cannot be looked at here/] },
]

for (const { name, ingresses, world, finds } of cases)
  t.test(name, async (t) => {
    const lines = found(ingresses, world)
    t.equal(lines.length, finds.length, lines.join('\n'))
    for (const [at, pattern] of finds.entries()) t.match(lines[at], pattern)
  })
