/** Changes of an object that is there: by PUT, by the three forms of patches, and of its status. Nothing of them is kept. */
import type { Asked } from './ask.ts'
import { mutantsOf, pathsIn, type Value } from './mutants.ts'
import type { Question } from './questions.ts'
import { nameOf, type Seed } from './seeds.ts'

type Path = readonly (string | number)[]

const mergePatch = 'application/merge-patch+json'
const jsonPatch = 'application/json-patch+json'
const strategicPatch = 'application/strategic-merge-patch+json'

/** Every nth, so that all parts of an object have their turn. */
const some = <T>(items: readonly T[], most: number): readonly T[] => {
  const step = Math.max(1, Math.ceil(items.length / most))
  return items.filter((_, at) => at % step === 0)
}

const nested = (path: Path, value: Value): Value =>
  path.reduceRight<Value>((inner, part) => (typeof part === 'number' ? [inner] : { [part]: inner }), value)

const pointer = (path: Path): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

const isRecord = (value: Value | undefined): value is { readonly [key: string]: Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const at = (object: Value, path: Path): Value | undefined =>
  path.reduce<Value | undefined>((value, part) => {
    if (Array.isArray(value)) return value[Number(part)]
    return isRecord(value) ? value[String(part)] : undefined
  }, object)

const jsonPatches = (path: Path, value: Value): readonly (readonly [name: string, patch: Value])[] => {
  const where = pointer(path)
  return [
    ['remove', [{ op: 'remove', path: where }]],
    ['replace by null', [{ op: 'replace', path: where, value: null }]],
    [
      'test and replace',
      [
        { op: 'test', path: where, value },
        { op: 'replace', path: where, value },
      ],
    ],
    ['test another', [{ op: 'test', path: where, value: 'another' }]],
    ['copy', [{ op: 'copy', from: where, path: '/metadata/annotations/copy' }]],
    ['add behind', [{ op: 'add', path: `${where}/more`, value: 'a' }]],
  ]
}

const oddJsonPatches: readonly (readonly [name: string, patch: Value])[] = [
  ['replace what is not there', [{ op: 'replace', path: '/metadata/labels/none', value: 'a' }]],
  ['remove what is not there', [{ op: 'remove', path: '/metadata/labels/none' }]],
  ['remove below what is not there', [{ op: 'remove', path: '/none/none' }]],
  ['test null of what is not there', [{ op: 'test', path: '/metadata/none', value: null }]],
  ['append', [{ op: 'add', path: '/metadata/finalizers/-', value: 'example.com/more' }]],
  ['insert at -1', [{ op: 'add', path: '/metadata/finalizers/-1', value: 'example.com/more' }]],
  ['insert at 9', [{ op: 'add', path: '/metadata/finalizers/9', value: 'example.com/more' }]],
  ['remove at -1', [{ op: 'remove', path: '/metadata/finalizers/-1' }]],
  ['an unknown operation', [{ op: 'change', path: '/metadata/labels' }]],
  ['no path', [{ op: 'remove' }]],
  ['no value', [{ op: 'add', path: '/metadata/labels/a' }]],
  ['an object', { op: 'remove', path: '/metadata/labels' }],
  ['nothing', []],
  ['a text', '"a"'],
  ['no JSON', '['],
  ['another name', [{ op: 'replace', path: '/metadata/name', value: 'other' }]],
  ['another kind', [{ op: 'replace', path: '/kind', value: 'Other' }]],
  ['another uid', [{ op: 'replace', path: '/metadata/uid', value: 'other' }]],
  ['another resourceVersion', [{ op: 'replace', path: '/metadata/resourceVersion', value: '1' }]],
  ['move', [{ op: 'move', from: '/metadata/labels', path: '/metadata/annotations' }]],
]

const oddMergePatches: readonly (readonly [name: string, patch: Value])[] = [
  ['nothing', {}],
  ['a list', []],
  ['a text', '"a"'],
  ['null', 'null'],
  ['no JSON', '{'],
  ['metadata null', { metadata: null }],
  ['spec null', { spec: null }],
  ['labels null', { metadata: { labels: null } }],
  ['a label null', { metadata: { labels: { app: null, more: 'a' } } }],
  ['another name', { metadata: { name: 'other' } }],
  ['another namespace', { metadata: { namespace: 'other' } }],
  ['another uid', { metadata: { uid: 'other' } }],
  ['another generation', { metadata: { generation: 7 } }],
  ['another creationTimestamp', { metadata: { creationTimestamp: '2020-01-01T00:00:00Z' } }],
  ['another resourceVersion', { metadata: { resourceVersion: '1' } }],
  ['a deletionTimestamp', { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } }],
  ['another kind', { kind: 'Other' }],
  ['another apiVersion', { apiVersion: 'other/v1' }],
  ['an unknown field', { spec: { unknownField: 1 } }],
  ['a status', { status: { phase: 'Other' } }],
]

const strategicPatches: readonly (readonly [name: string, patch: Value])[] = [
  ['delete the spec', { spec: { $patch: 'delete' } }],
  ['delete all', { $patch: 'delete' }],
  ['replace the metadata', { metadata: { $patch: 'replace', labels: { a: 'b' } } }],
  ['an unknown directive', { metadata: { labels: { $patch: 'other' } } }],
  ['delete a finalizer', { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/hold'] } }],
  ['finalizers', { metadata: { finalizers: ['example.com/more'] } }],
  ['an order', { metadata: { '$setElementOrder/finalizers': ['example.com/hold'], finalizers: ['example.com/more'] } }],
  ['an owner', { metadata: { ownerReferences: [{ uid: 'u', name: 'n', kind: 'K', apiVersion: 'v1' }] } }],
  ['an owner without uid', { metadata: { ownerReferences: [{ name: 'n' }] } }],
  [
    'delete an owner',
    { metadata: { ownerReferences: [{ $patch: 'delete', uid: '00000000-0000-0000-0000-000000000001' }] } },
  ],
]

const podPatches: readonly (readonly [name: string, patch: Value])[] = [
  ['an image', { containers: [{ name: 'web', image: 'other' }] }],
  ['a container more', { containers: [{ name: 'more', image: 'other' }] }],
  ['delete a container', { containers: [{ $patch: 'delete', name: 'web' }] }],
  ['a container without a name', { containers: [{ image: 'other' }] }],
  ['replace the containers', { containers: [{ $patch: 'replace' }, { name: 'c', image: 'd' }] }],
  [
    'an order of containers',
    { '$setElementOrder/containers': [{ name: 'web' }], containers: [{ name: 'web', image: 'd' }] },
  ],
  ['a port', { containers: [{ name: 'web', ports: [{ containerPort: 80, name: 'other' }] }] }],
  [
    'an env',
    {
      containers: [
        {
          name: 'web',
          env: [
            { name: 'A', value: 'b' },
            { name: 'Z', value: 'z' },
          ],
        },
      ],
    },
  ],
  ['a volume', { volumes: [{ name: 'data', $retainKeys: ['name', 'configMap'], configMap: { name: 'a' } }] }],
  ['a toleration', { tolerations: [{ key: 'z', operator: 'Exists' }] }],
  ['a node selector', { nodeSelector: { disk: null, zone: 'b' } }],
  ['no affinity', { affinity: null }],
]

/** Where the spec of a pod is, in kinds that have one. */
const podOf: Readonly<Record<string, Path>> = {
  Pod: ['spec'],
  Deployment: ['spec', 'template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
  PodTemplate: ['template', 'spec'],
}

const statuses: readonly Value[] = [
  ...[null, {}, [], 'text'],
  ...[{ phase: 'Other' }, { conditions: [{}] }],
  { conditions: [{ type: 'A', status: 'True' }] },
]

/** Full seeds are asked more. */
const samples = { full: { put: 40, patched: 12 }, small: { put: 6, patched: 2 } } as const

export const changesOf = (seed: Seed): readonly Question[] => {
  const about = `${seed.name} changed`
  const url = `${seed.path}/${nameOf(seed)}`
  const size = seed.name.endsWith('full') ? samples.full : samples.small
  const isFull = size === samples.full
  const kind = String(seed.object['kind'])
  const question = (
    name: string,
    asked: Omit<Asked, 'path'> | ((existing: Value) => Omit<Asked, 'path'>),
  ): Question => ({
    ...{ about, name },
    ask: (existing) => ({
      path: `${url}?dryRun=All`,
      ...(typeof asked === 'function' ? asked(existing) : asked),
    }),
  })
  const patch = (name: string, type: string, body: Value): Question => question(name, { method: 'PATCH', type, body })
  const paths = some(
    pathsIn(seed.object).filter(([first]) => first !== 'apiVersion' && first !== 'kind'),
    size.patched,
  )
  const puts = some(mutantsOf(seed.object), size.put)
  return [
    question('PUT as it is', (existing) => ({ method: 'PUT', body: existing })),
    question('PUT the seed', { method: 'PUT', body: seed.object }),
    ...puts.map(({ name, object }) =>
      question(`PUT ${name}`, (existing) => ({ method: 'PUT', body: withVersion(object, existing) })),
    ),
    ...paths.flatMap((path) =>
      jsonPatches(path, at(seed.object, path) ?? null).map(([name, body]) =>
        patch(`JSON patch ${pointer(path)} ${name}`, jsonPatch, body),
      ),
    ),
    ...paths.flatMap((path) =>
      [null, 'text', {}, 7].map((value) =>
        patch(`merge patch ${pointer(path)} ${JSON.stringify(value)}`, mergePatch, nested(path, value)),
      ),
    ),
    ...(isFull
      ? [
          ...oddJsonPatches.map(([name, body]) => patch(`JSON patch: ${name}`, jsonPatch, body)),
          ...oddMergePatches.map(([name, body]) => patch(`merge patch: ${name}`, mergePatch, body)),
          ...oddMergePatches.map(([name, body]) => patch(`strategic patch: ${name}`, strategicPatch, body)),
          ...strategicPatches.map(([name, body]) => patch(`strategic patch: ${name}`, strategicPatch, body)),
        ]
      : []),
    ...(isFull && podOf[kind]
      ? podPatches.map(([name, body]) =>
          patch(`strategic patch: ${name}`, strategicPatch, nested(podOf[kind] ?? [], body)),
        )
      : []),
    ...statuses.map(
      (status): Question => ({
        ...{ about, name: `status ${JSON.stringify(status)}` },
        ask: () => ({ method: 'PATCH', path: `${url}/status?dryRun=All`, type: mergePatch, body: { status } }),
      }),
    ),
  ]
}

/** A PUT of a seed's mutant replaces what is there now. */
const withVersion = (object: Value, existing: Value): Value => {
  const version = at(existing, ['metadata', 'resourceVersion'])
  const metadata = at(object, ['metadata'])
  if (!isRecord(object) || !isRecord(metadata) || version === undefined) return object
  return { ...object, metadata: { ...metadata, resourceVersion: version } }
}
