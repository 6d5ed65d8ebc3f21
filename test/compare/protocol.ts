/** How the protocol is kept: queries, methods, names, forms of bodies and answers. */
import type { Asked } from './ask.ts'
import type { Value } from './mutants.ts'
import type { Question } from './questions.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const nodes = '/api/v1/nodes'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const missing = `${maps}/missing`

const map: Value = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'asked' } }

const question = (name: string, asked: Asked): Question => ({ about: 'protocol', name, ask: () => asked, words: true })

const named = (asked: Asked, note = ''): Question =>
  question([asked.method, asked.path, asked.type, asked.accept, note].filter(Boolean).join(' '), asked)

const get = (path: string, accept?: string): Question =>
  named({ method: 'GET', path, ...(accept === undefined ? {} : { accept }) })

const withQueries = (path: string, queries: readonly string[]): readonly Question[] =>
  queries.map((query) => get(`${path}?${query}`))

const numbers = ['', '-1', 'a', '1.5', '1e3', '99999999999999999999', '%201', '+1', '0x1']

const listQueries = [
  ...['limit', 'timeoutSeconds', 'resourceVersion'].flatMap((name) => numbers.map((value) => `${name}=${value}`)),
  ...['a', 'e30', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ', '%00'].map((token) => `continue=${token}`),
  ...['', 'Exact', 'NotOlderThan', 'Other', 'exact'].flatMap((match) =>
    ['', '&resourceVersion=0', '&resourceVersion=1', '&resourceVersion=a'].map(
      (version) => `resourceVersionMatch=${match}${version}`,
    ),
  ),
  ...['limit=1&resourceVersion=1&resourceVersionMatch=Exact', 'continue=a&resourceVersion=1'],
  ...['continue=a&resourceVersionMatch=Exact', 'limit=1&limit=2', 'unknown=1', 'pretty=a', 'pretty=true'],
]

const fieldSelectors = [
  ...['', 'a', '=', '=a', 'metadata.name', 'metadata.name=', 'metadata.name=a', 'metadata.name==a'],
  ...['metadata.name!=a', 'metadata.name=a,', ',metadata.name=a', 'metadata.name=a,metadata.name=b', 'other=a'],
  ...['metadata.name%3Ca', '!metadata.name', 'metadata.name in (a)', 'metadata.name=a\\,b', 'metadata.name=a\\'],
  ...['spec.nodeName=a', 'status.phase=Running', 'metadata.labels=a', 'metadata.namespace=default', 'metadata.uid=a'],
  ...['metadata.name=a=b', 'metadata.name=a b', 'METADATA.NAME=a', 'metadata..name=a'],
]

const labelSelectors = [
  ...['', 'a', '=', '=a', 'a=', 'a=b', 'a==b', 'a!=b', '!a', '! a', 'a,b', 'a,', ',a', ',', 'a b', 'a=b c'],
  ...['a in (b)', 'a in (b,c)', 'a in ()', 'a in (b', 'a in b', 'a in (b,)', 'a in (,b)', 'a notin (b)', 'a notin ()'],
  ...['a>1', 'a<1', 'a>b', 'a>=1', 'a>', '>1', '-a', 'a-', 'A/b=c', 'a/b/c', '/a', 'a/', 'a=-b', 'a=b-', 'a=b/c'],
  ...[
    'a!b',
    'a!',
    '!a=b',
    '!!a',
    'a=b,a=c',
    'a in (b), c',
    '(a)',
    'a=(b)',
    'a\u00e9',
    'a=\u00e9',
    `a=${'b'.repeat(64)}`,
  ],
  ...[`${'a'.repeat(64)}=b`, 'in', 'notin', 'in in (in)', 'a  =  b', 'a\tin\t(b)', '1=2', 'a.b_c-d=e.f_g-h'],
]

const selectors = (path: string, name: string, texts: readonly string[]): readonly Question[] =>
  texts.map((text) => get(`${path}?${name}=${encodeURIComponent(text).replaceAll('%25', '%')}`))

const writeQueries = [
  ...['', 'dryRun=All', 'dryRun=all', 'dryRun=', 'dryRun=Other', 'dryRun=All&dryRun=All', 'dryRun=All&dryRun=Other'],
  ...['dryRun=All&fieldManager=', 'dryRun=All&fieldManager=a', `dryRun=All&fieldManager=${'a'.repeat(129)}`],
  ...[
    'dryRun=All&fieldManager=a%0Ab',
    'dryRun=All&fieldManager=%C3%A9',
    'dryRun=All&pretty=true',
    'dryRun=All&unknown=a',
  ],
  ...['dryRun=All&force=true', 'dryRun=All&force=a', 'dryRun=All&timeout=a', 'dryRun=All&timeout=1s'],
].filter((query) => query.startsWith('dryRun=') && query !== 'dryRun=')

const everyMethod = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'OTHER']

const places = [
  ...[
    '/',
    '/api',
    '/api/',
    '/api/v1',
    '/api/v1/',
    '/api/v2',
    '/apis',
    '/apis/',
    '/apis/apps',
    '/apis/apps/',
    '/apis/apps/v1',
  ],
  ...[
    '/apis/apps/v9',
    '/apis/other',
    '/apis/other/v1',
    '/api/v1/others',
    '/apis/apps/v1/others',
    '/version',
    '/version/',
  ],
  ...[
    '/healthz',
    '/livez',
    '/readyz',
    '/healthz/ping',
    '/healthz/other',
    '/other',
    '/api/v1/namespaces/default/others',
  ],
  ...['/api/v1/namespaces/default/nodes', '/api/v1/configmaps/a', '/api/v1/watch/configmaps/other/more/and/more'],
  ...[`${maps}/a/b`, `${maps}/a/status`, `${maps}/a/scale`, `${nodes}/a/other`, '/api/v1/namespaces/other/configmaps'],
  ...[
    '/api/v1/namespaces//configmaps',
    `${maps}/`,
    `${deployments}/a/scale`,
    `${deployments}/a/other`,
    '/apis/apps/v1/deployments/a',
  ],
]

const names = [
  'A',
  'a_b',
  '-a',
  'a%20b',
  'a%2Fb',
  '%2E%2E',
  'a%00b',
  'a'.repeat(254),
  '%C3%A9',
  'a%25b',
  'a.b',
  '1',
  'missing',
]

const bodies: readonly (readonly [name: string, body: Value | undefined])[] = [
  ['no body', undefined],
  ['an empty body', ''],
  ['null', 'null'],
  ['true', 'true'],
  ['a number', '7'],
  ['a text', '"a"'],
  ['a list', '[]'],
  ['no JSON', '{'],
  ['JSON and more', '{} {}'],
  ['an empty object', {}],
  ['no kind', { apiVersion: 'v1', metadata: { name: 'asked' } }],
  ['no apiVersion', { kind: 'ConfigMap', metadata: { name: 'asked' } }],
  ['neither', { metadata: { name: 'asked' } }],
  ['another kind', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'asked' } }],
  ['an unknown kind', { apiVersion: 'v1', kind: 'Other', metadata: { name: 'asked' } }],
  ['another version', { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'asked' } }],
  ['another group', { apiVersion: 'apps/v1', kind: 'ConfigMap', metadata: { name: 'asked' } }],
  ['a wrong version', { apiVersion: 'a/b/c', kind: 'ConfigMap', metadata: { name: 'asked' } }],
  ['a number for a version', { apiVersion: 1, kind: 'ConfigMap', metadata: { name: 'asked' } }],
  ['another namespace', { ...(map as object), metadata: { name: 'asked', namespace: 'other' } }],
  ['its namespace', { ...(map as object), metadata: { name: 'asked', namespace: 'default' } }],
  ['no name', { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }],
  ['no metadata', { apiVersion: 'v1', kind: 'ConfigMap' }],
  ['a resourceVersion', { ...(map as object), metadata: { name: 'asked', resourceVersion: '7' } }],
  ['a uid', { ...(map as object), metadata: { name: 'asked', uid: 'u' } }],
  ['a generateName too long', { ...(map as object), metadata: { generateName: 'A' } }],
  ['a list of its kind', { apiVersion: 'v1', kind: 'ConfigMapList', items: [] }],
  ['data of another type', { ...(map as object), data: [] }],
  ['data of numbers', { ...(map as object), data: { a: 1 } }],
]

const types = [
  ...['', 'application/json', 'application/json;charset=utf-8', 'APPLICATION/JSON', 'text/plain', 'text/json'],
  ...['application/xml', 'application/json-patch+json', 'application/merge-patch+json', '*/*', 'json', 'a/b/c'],
]

const patchTypes = [...types, 'application/strategic-merge-patch+json', 'application/yaml', 'application/patch']

const accepts = [
  ...['application/json', '*/*', 'application/*', '', 'text/html', 'text/plain', 'application/xml', 'json', ','],
  ...['application/json;q=0.5', 'text/html,application/json', 'text/html;q=0.9,*/*;q=0.1', 'application/json; a=b'],
  ...['application/json;as=Table;g=meta.k8s.io;v=v1', 'application/json;as=Table;g=meta.k8s.io;v=v1beta1'],
  ...[
    'application/json;as=Table;g=meta.k8s.io;v=v2',
    'application/json;as=Table;g=other;v=v1',
    'application/json;as=Table',
  ],
  ...['application/json;as=Other;g=meta.k8s.io;v=v1', 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'],
  ...['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'application/json;as='],
  ...['application/json;as=Table;g=meta.k8s.io;v=v2,application/json', 'application/json;stream=watch'],
]

const deletions: readonly (readonly [name: string, body: Value])[] = [
  ['of another kind', { kind: 'Other', apiVersion: 'v1' }],
  ['of another version', { kind: 'DeleteOptions', apiVersion: 'v2' }],
  ['of the group', { kind: 'DeleteOptions', apiVersion: 'apps/v1' }],
  ['of meta', { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' }],
  ['a list', []],
  ['no JSON', '{'],
  ['a wrong policy', { propagationPolicy: 'Other' }],
  ['an empty policy', { propagationPolicy: '' }],
  ['two policies', { propagationPolicy: 'Orphan', orphanDependents: true }],
  ['a grace of text', { gracePeriodSeconds: 'a' }],
  ['a grace less than nothing', { gracePeriodSeconds: -1 }],
  ['a wrong dry run', { dryRun: ['Other'] }],
  ['a dry run of text', { dryRun: 'All' }],
  ['preconditions', { preconditions: { uid: 'u', resourceVersion: '7' } }],
  ['wrong preconditions', { preconditions: [] }],
  ['unknown fields', { other: 1 }],
]

const deleteQueries = [
  ...numbers.map((value) => `gracePeriodSeconds=${value}`),
  ...['Orphan', 'Background', 'Foreground', 'Other', ''].map((policy) => `propagationPolicy=${policy}`),
  ...['orphanDependents=true', 'orphanDependents=a', 'orphanDependents=true&propagationPolicy=Orphan'],
  ...['dryRun=All', 'dryRun=Other', 'preconditions=a', 'unknown=a'],
]

export const protocolQuestions: readonly Question[] = [
  ...withQueries(maps, listQueries),
  ...withQueries(missing, [...numbers.map((value) => `resourceVersion=${value}`), 'pretty=a', 'unknown=a']),
  ...withQueries(nodes, listQueries.slice(0, 12)),
  ...selectors(maps, 'fieldSelector', fieldSelectors),
  ...selectors('/api/v1/namespaces/default/pods', 'fieldSelector', fieldSelectors),
  ...selectors(maps, 'labelSelector', labelSelectors),
  ...writeQueries.map((query) => named({ method: 'POST', path: `${maps}?${query}`, body: map })),
  ...writeQueries.map((query) => named({ method: 'PUT', path: `${missing}?${query}`, body: map }, 'of another name')),
  ...writeQueries.map((query) =>
    named({ method: 'PATCH', path: `${missing}?${query}`, type: 'application/merge-patch+json', body: {} }),
  ),
  ...places.flatMap((path) =>
    everyMethod.map((method) => named({ method, path, ...(method === 'GET' ? {} : { body: {} }) })),
  ),
  ...names.flatMap((name) => [
    get(`${maps}/${name}`),
    get(`/api/v1/namespaces/${name}/configmaps/a`),
    named({ method: 'DELETE', path: `${maps}/${name}?dryRun=All` }),
    named({ method: 'POST', path: `/api/v1/namespaces/${name}/configmaps?dryRun=All`, body: map }),
  ]),
  ...bodies.flatMap(([name, body]) => [
    named({ method: 'POST', path: `${maps}?dryRun=All`, ...(body === undefined ? {} : { body }) }, name),
    named({ method: 'PUT', path: `${maps}/asked?dryRun=All`, ...(body === undefined ? {} : { body }) }, name),
  ]),
  ...types.map((type) => named({ method: 'POST', path: `${maps}?dryRun=All`, type, body: map })),
  ...types.map((type) => named({ method: 'PUT', path: `${maps}/asked?dryRun=All`, type, body: map })),
  ...patchTypes.map((type) => named({ method: 'PATCH', path: `${missing}?dryRun=All`, type, body: {} })),
  ...accepts.flatMap((accept) => [get(missing, accept), get(`${nodes}?limit=1`, accept), get('/api/v1', accept)]),
  ...deletions.map(([name, body]) => named({ method: 'DELETE', path: `${missing}?dryRun=All`, body }, name)),
  ...deleteQueries.map((query) => named({ method: 'DELETE', path: `${missing}?${query}` })),
]
