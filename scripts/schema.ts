/**
 * Writes src/control/schema/kubernetes/*.json: what the API server knows of the types of each group version of Kubernetes,
 * each fact once. The facts come from the Go types of its releases, laid out as in their `staging/src`; a group version is
 * taken from the first folder that has it, so that an older release can bring along what newer ones have dropped:
 *
 *   node scripts/schema.ts NEW/staging/src [OLD/staging/src …]
 *
 * Each type has a line for each field, in the order of Go: its number in protobuf (`2.1` for a field of a message that JSON
 * does not show, `-` for none), its type in the words of schema/types.ts, and what holds for it:
 *
 *   omit         Go leaves out its empty value          ptr          an empty value is something else than none
 *   opt          may be left out                        patch=merge  (or retainKeys) a strategic patch merges it
 *   key=name     by this field of its items             list=map     (or set, atomic) how apply merges it
 *   keys=a,b     by these fields of its items           atomic       a map or struct has one owner
 *   default=…    (JSON, last) what the server fills in
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GoField, type GoFile, parseGo } from './schema/go-types.ts'

const roots = process.argv.slice(2)
if (roots.length === 0) {
  console.error('usage: node scripts/schema.ts STAGING-SRC-FOLDER [MORE …]')
  process.exit(2)
}

const api = (group: string, ...versions: readonly string[]): readonly string[] =>
  versions.map((version) => `k8s.io/api/${group}/${version}`)

/** Every package whose kinds are served, or may be. */
const packages = [
  ...api('core', 'v1'),
  ...api('admissionregistration', 'v1', 'v1beta1'),
  ...api('apps', 'v1'),
  ...api('authentication', 'v1'),
  ...api('authorization', 'v1', 'v1beta1'),
  ...api('autoscaling', 'v1', 'v2', 'v2beta1', 'v2beta2'),
  ...api('batch', 'v1', 'v1beta1'),
  ...api('certificates', 'v1', 'v1beta1'),
  ...api('coordination', 'v1', 'v1beta1'),
  ...api('discovery', 'v1', 'v1beta1'),
  ...api('events', 'v1', 'v1beta1'),
  ...api('extensions', 'v1beta1'),
  ...api('networking', 'v1', 'v1beta1'),
  ...api('node', 'v1', 'v1beta1'),
  ...api('policy', 'v1', 'v1beta1'),
  ...api('rbac', 'v1', 'v1beta1'),
  ...api('scheduling', 'v1', 'v1beta1'),
  ...api('storage', 'v1', 'v1beta1'),
  ...['v1', 'v1beta1'].flatMap((version) => [
    `k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/${version}`,
    `k8s.io/kube-aggregator/pkg/apis/apiregistration/${version}`,
  ]),
  'k8s.io/metrics/pkg/apis/metrics/v1beta1',
  'k8s.io/apimachinery/pkg/apis/meta/v1',
]

/** Types whose JSON is not that of a struct. */
const scalars: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'boolean',
  int: 'int64',
  int32: 'int32',
  int64: 'int64',
  float64: 'number',
  'meta/v1.Time': 'time',
  'meta/v1.MicroTime': 'microtime',
  'meta/v1.Duration': 'string',
  'meta/v1.FieldsV1': 'any',
  'resource.Quantity': 'quantity',
  'intstr.IntOrString': 'intOrString',
  'runtime.RawExtension': 'any',
  'runtime.Object': 'any',
  ...Object.fromEntries(
    ['v1', 'v1beta1'].flatMap((version) =>
      ['', 'SchemaPropsOrArray', 'SchemaPropsOrBool', 'SchemaPropsOrStringArray'].map((name) => [
        `apiextensions/${version}.JSON${name}`,
        'any',
      ]),
    ),
  ),
}

/** `k8s.io/api/core/v1` is `core/v1`. */
const shortOf = (path: string): string => path.split('/').slice(-2).join('/')

const load = (path: string): GoFile => {
  const folder = roots.map((root) => join(root, path)).find((each) => existsSync(join(each, 'types.go')))
  if (folder === undefined) throw new Error(`none of the folders has ${path}/types.go`)
  const files = readdirSync(folder).filter(
    (file) => /^types(_\w+)?\.go$|^fieldsv1\.go$/.test(file) && !/generated|_test/.test(file),
  )
  return parseGo(files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n'))
}

const loaded = new Map(packages.map((path) => [shortOf(path), load(path)]))

interface Resolved {
  readonly word: string
  readonly isPointer: boolean
  readonly isAtomic: boolean
}

const isAtomicStruct = (group: string, name: string): boolean =>
  (loaded.get(group)?.structs.get(name)?.markers ?? []).some(
    ([marker, value]) => marker === 'structType' && value === 'atomic',
  )

/** A Go type as it stands in the package `group`. */
const resolve = (type: string, group: string): Resolved => {
  const plain = (word: string): Resolved => ({ word, isPointer: false, isAtomic: false })
  if (type.startsWith('*')) return { ...resolve(type.slice(1), group), isPointer: true }
  if (type === '[]byte') return plain('bytes')
  if (type.startsWith('[]')) return plain(`[${resolve(type.slice(2), group).word}]`)
  const map = /^map\[[\w.]+\](.*)$/.exec(type)
  if (map) return plain(`{${resolve(map[1] ?? '', group).word}}`)
  const [, from, name = ''] = /^(?:(\w+)\.)?(\w+)$/.exec(type) ?? []
  if (from === undefined && scalars[name]) return plain(scalars[name])
  const path = from === undefined ? undefined : loaded.get(group)?.imports.get(from)
  if (from !== undefined && path === undefined) throw new Error(`${group}: ${from} is not imported`)
  const home = path === undefined ? group : shortOf(path)
  const scalar = scalars[`${home}.${name}`] ?? scalars[`${home.replace(/^.*\//, '')}.${name}`]
  if (scalar) return plain(scalar)
  if (home === 'pkg/types') return plain('string')
  const alias = loaded.get(home)?.aliases.get(name)
  if (alias !== undefined) return resolve(alias, home)
  if (!loaded.get(home)?.structs.has(name)) throw new Error(`${group}: nobody knows ${type}`)
  return { word: `${home}.${name}`, isPointer: false, isAtomic: isAtomicStruct(home, name) }
}

const isEmbedded = ({ name, json }: GoField): boolean =>
  json.name === '' && (name === '' || json.options.includes('inline'))

const valuesOf = (field: GoField, marker: string): readonly string[] =>
  field.markers.flatMap(([name, value]) => (name === marker ? [value] : []))

const flagsOf = (field: GoField, { isPointer, isAtomic }: Resolved): readonly string[] => {
  const flag = (name: string, values: readonly string[]): readonly string[] =>
    values.length > 0 ? [`${name}=${values.join(',')}`] : []
  const isOptional = ['optional', 'k8s:optional'].some((marker) => field.markers.some(([name]) => name === marker))
  const atomic = isAtomic || [...valuesOf(field, 'mapType'), ...valuesOf(field, 'structType')].includes('atomic')
  return [
    ...(field.json.options.includes('omitempty') ? ['omit'] : []),
    ...(isPointer ? ['ptr'] : []),
    ...(isOptional ? ['opt'] : []),
    ...flag('patch', field.patchStrategy),
    ...flag('key', field.patchMergeKey === undefined ? [] : [field.patchMergeKey]),
    ...flag('list', valuesOf(field, 'listType').slice(0, 1)),
    ...flag('keys', [...new Set(valuesOf(field, 'listMapKey'))]),
    ...(atomic ? ['atomic'] : []),
    ...flag(
      'default',
      valuesOf(field, 'default')
        .slice(0, 1)
        .filter(
          (value) => value.startsWith('"') || !Number.isNaN(Number(value)) || value === 'true' || value === 'false',
        ),
    ),
  ]
}

/** Which types a package's kinds are made of. */
const needed = new Map<string, Map<string, Readonly<Record<string, string>>>>(
  [...loaded.keys()].map((group) => [group, new Map()]),
)

/** Of a field whose type is of a package that we do not take (an alpha feature), nothing. */
const resolveField = (field: GoField, group: string): Resolved | undefined => {
  try {
    return resolve(field.type, group)
  } catch (error) {
    console.error(`left out: ${field.json.name}: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

/** The fields of `home`'s struct, with those of the structs embedded in it, as they stand in a type of `group`. */
const fieldsOf = (
  home: string,
  name: string,
  group: string,
  prefix: string | null = '',
): readonly (readonly [string, string])[] =>
  (loaded.get(home)?.structs.get(name)?.fields ?? []).flatMap((field): readonly (readonly [string, string])[] => {
    const resolved = resolveField(field, home)
    if (!resolved) return []
    // What is embedded without a number is not in the message.
    const number = field.number === undefined || prefix === null ? undefined : `${prefix}${field.number}`
    if (isEmbedded(field)) {
      const [inside = '', inner = ''] = resolved.word.split('.')
      return fieldsOf(inside, inner, group, number === undefined ? null : `${number}.`)
    }
    for (const [, from = '', inner = ''] of resolved.word.matchAll(/([\w/]+)\.(\w+)/g)) visit(from, inner)
    const word = resolved.word.replaceAll(new RegExp(`(?<![\\w/])${group}\\.`, 'g'), '')
    return [[field.json.name, [number ?? '-', word, ...flagsOf(field, resolved)].join(' ')]]
  })

const visit = (group: string, name: string): void => {
  const types = needed.get(group)
  if (!types || types.has(name)) return
  types.set(name, {})
  types.set(name, Object.fromEntries(fieldsOf(group, name, group)))
}

const isKind = (name: string, fields: readonly GoField[]): boolean =>
  !/List$/.test(name) && fields.some((field) => /(^|\.)TypeMeta$/.test(field.type) && isEmbedded(field))

for (const [group, { structs }] of loaded)
  for (const [name, { fields }] of structs) if (isKind(name, fields)) visit(group, name)

const folder = join(import.meta.dirname, '../src/control/schema/kubernetes')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const path of packages) {
  const group = shortOf(path)
  const types = [...(needed.get(group) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
  const [host = '', ...rest] = path.split('/')
  const lines = types.map(([name, fields]) => {
    const inner = Object.entries(fields).map(
      ([field, words]) => `      ${JSON.stringify(field)}: ${JSON.stringify(words)}`,
    )
    return `    ${JSON.stringify(name)}: {${inner.length > 0 ? `\n${inner.join(',\n')}\n    ` : ''}}`
  })
  const publicName = [...host.split('.').toReversed(), ...rest].join('.')
  writeFileSync(
    join(folder, `${group.replace('/', '.')}.json`),
    `{\n  "name": ${JSON.stringify(publicName)},\n  "types": {\n${lines.join(',\n')}\n  }\n}\n`,
  )
  console.log(`${group}: ${types.length} types`)
}
