/**
 * Writes src/control/schema/types.json: which fields each API type has, and of what type. The facts come from the
 * models of the npm package @kubernetes/client-node; run this to take in a newer Kubernetes release:
 *
 *   npm pack @kubernetes/client-node && tar xzf kubernetes-client-node-*.tgz
 *   node scripts/schema.ts package/dist/gen/models
 *
 * A field's type is a word (`string int32 int64 number boolean time microtime quantity intOrString bytes any`), the name
 * of another type, `[X]` (list of X) or `{X}` (map from string to X); a trailing `!` marks a required field.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node scripts/schema.ts FOLDER-OF-CLIENT-NODE-MODELS')
  process.exit(2)
}

/** The kinds Podway serves; every type they reach is taken along. */
const roots = [
  ...['V1Binding', 'V1ConfigMap', 'CoreV1Event', 'V1Endpoints', 'V1EndpointSlice', 'V1Deployment', 'V1Ingress'],
  ...['V1IngressClass', 'V1Lease', 'V1Namespace', 'V1Node', 'V1Pod', 'V1ReplicaSet', 'V1Scale', 'V1Secret'],
  ...['V1Service', 'V1DeleteOptions', 'V1NetworkPolicy', 'V1ServiceCIDR', 'V1IPAddress'],
  ...['V1CertificateSigningRequest'],
]

/** The models call quantities strings. */
const quantities: Readonly<Record<string, string>> = {
  'ResourceRequirements.limits': '{quantity}',
  'ResourceRequirements.requests': '{quantity}',
  'VolumeResourceRequirements.limits': '{quantity}',
  'VolumeResourceRequirements.requests': '{quantity}',
  'NodeStatus.capacity': '{quantity}',
  'NodeStatus.allocatable': '{quantity}',
  'PodSpec.overhead': '{quantity}',
  'PodStatus.allocatedResources': '{quantity}',
  'ContainerStatus.allocatedResources': '{quantity}',
  'EmptyDirVolumeSource.sizeLimit': 'quantity',
  'ResourceFieldSelector.divisor': 'quantity',
}

interface Attribute {
  readonly baseName: string
  readonly type: string
  readonly format: string
}

/** `V1PodSpec` → `PodSpec`; the core Event and EndpointPort lose their group, those of other groups keep it. */
const shortName = (model: string): string => model.replace(/^(Core)?V1/, '').replace(/^(\w+?)V1(?=[A-Z])/, '$1')

const wordOf = (type: string, format: string): string => {
  const list = /^Array<(.*)>$/.exec(type)
  if (list) return `[${wordOf(list[1] ?? '', format)}]`
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)
  if (map) return `{${wordOf(map[1] ?? '', format)}}`
  if (format === 'date-time') return 'time'
  if (type === 'V1MicroTime') return 'microtime'
  if (format === 'byte') return 'bytes'
  if (type === 'IntOrString') return 'intOrString'
  if (type === 'number') return format === 'int32' || format === 'int64' ? format : 'number'
  if (type === 'any' || type === 'object') return 'any'
  return type === 'string' || type === 'boolean' ? type : shortName(type)
}

const isRequired = (declaration: string, field: string): boolean => declaration.includes(`    '${field}': `)

const types: Record<string, Record<string, string>> = {}

const visit = async (model: string): Promise<void> => {
  const name = shortName(model)
  const file = join(resolve(folder), `${model}.js`)
  if (types[name] || !existsSync(file)) return
  const fields: Record<string, string> = {}
  types[name] = fields
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, { attributeTypeMap: readonly Attribute[] }>
  const declaration = readFileSync(file.replace(/\.js$/, '.d.ts'), 'utf8')
  for (const { baseName, type, format } of loaded[model]?.attributeTypeMap ?? []) {
    const word = quantities[`${name}.${baseName}`] ?? wordOf(type, format)
    fields[baseName] = isRequired(declaration, baseName) ? `${word}!` : word
    for (const other of type.match(/\b[A-Z]\w*V\d\w+|\bV\d\w+/g) ?? []) await visit(other)
  }
}
for (const root of roots) await visit(root)

const sorted = Object.fromEntries(Object.entries(types).sort(([a], [b]) => (a < b ? -1 : 1)))
const lines = Object.entries(sorted).map(([name, fields]) => `  ${JSON.stringify(name)}: ${JSON.stringify(fields)}`)
writeFileSync(join(import.meta.dirname, '../src/control/schema/types.json'), `{\n${lines.join(',\n')}\n}\n`)
console.log(`${lines.length} types`)
