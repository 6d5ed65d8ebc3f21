/**
 * Writes src/api/types/kubernetes/*.ts: TypeScript's view of the kinds named here, from the schema. Optional is what a decoded
 * object may lack. Types that src/api/types declares by hand, more closely than the schema can, are taken from there.
 *
 *   node scripts/declare-types.ts
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FieldType, fieldsOf, type Scalar } from '../src/control/schema/types.ts'

const kinds: readonly string[] = [
  ...[
    'ComponentStatus',
    'LimitRange',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'PodTemplate',
    'ReplicationController',
  ].map((kind) => `core/v1.${kind}`),
  ...['Affinity', 'ResourceQuota', 'SecurityContext', 'ServiceAccount', 'TopologySpreadConstraint', 'Volume'].map(
    (kind) => `core/v1.${kind}`,
  ),
  ...['ControllerRevision', 'DaemonSet', 'StatefulSet'].map((kind) => `apps/v1.${kind}`),
  ...['CronJob', 'Job'].map((kind) => `batch/v1.${kind}`),
  ...['autoscaling/v1.HorizontalPodAutoscaler', 'autoscaling/v2.HorizontalPodAutoscaler'],
  'autoscaling/v2beta2.HorizontalPodAutoscaler',
  ...['events/v1.Event', 'discovery/v1beta1.EndpointSlice', 'networking/v1beta1.Ingress'],
  'policy/v1.PodDisruptionBudget',
  ...['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'].map((kind) => `rbac/v1.${kind}`),
  ...['scheduling/v1.PriorityClass', 'node/v1.RuntimeClass'],
  ...['CSIDriver', 'CSINode', 'CSIStorageCapacity', 'StorageClass', 'VolumeAttachment'].map(
    (kind) => `storage/v1.${kind}`,
  ),
  ...['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'].map(
    (kind) => `admissionregistration/v1.${kind}`,
  ),
  ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'].map(
    (kind) => `admissionregistration/v1.${kind}`,
  ),
  ...['apiextensions/v1.CustomResourceDefinition', 'apiextensions/v1beta1.CustomResourceDefinition'],
  'apiregistration/v1.APIService',
  ...['LocalSubjectAccessReview', 'SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview'].map(
    (kind) => `authorization/v1.${kind}`,
  ),
  'authentication/v1.SelfSubjectReview',
  ...['metrics/v1beta1.NodeMetrics', 'metrics/v1beta1.PodMetrics'],
]

const folder = join(import.meta.dirname, '../src/api/types')

const handDeclared = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && file !== 'index.ts')
    .flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/^export (?:interface|type) (\w+)/gm)].map(
        ([, name = '']) => [name, file] as const,
      ),
    ),
)
/** The groups whose types stand in a file of that name. */
const groupsOf: Readonly<Record<string, readonly string[]>> = {
  'meta.ts': ['meta/v1', 'core/v1'],
  'core.ts': ['core/v1'],
  'apps.ts': ['apps/v1'],
  'networking.ts': ['networking/v1'],
  'discovery.ts': ['discovery/v1'],
  'coordination.ts': ['coordination/v1'],
  'certificates.ts': ['certificates/v1'],
}

const split = (type: string): readonly [group: string, name: string] => {
  const dot = type.indexOf('.')
  return [type.slice(0, dot), type.slice(dot + 1)]
}

const fileByHand = (type: string): string | undefined => {
  const [group, name] = split(type)
  const file = handDeclared.get(name)
  return file !== undefined && groupsOf[file]?.includes(group) ? file : undefined
}

const scalars: Readonly<Record<Scalar, string>> = {
  ...{ string: 'string', time: 'string', microtime: 'string', quantity: 'string', bytes: 'string' },
  ...{ int32: 'number', int64: 'number', number: 'number', boolean: 'boolean' },
  ...{ intOrString: 'number | string', any: 'unknown' },
}

const files = new Map<string, { readonly imports: Map<string, Set<string>>; readonly types: Map<string, string> }>()

const visit = (type: string): void => {
  const [group, name] = split(type)
  const file = files.get(group) ?? { imports: new Map(), types: new Map() }
  files.set(group, file)
  if (file.types.has(name)) return
  file.types.set(name, '')

  const named = (inner: string): string => {
    const [home, innerName] = split(inner)
    const byHand = fileByHand(inner)
    if (byHand === undefined) visit(inner)
    if (byHand === undefined && home === group) return innerName
    const from = byHand === undefined ? `./${home.replace('/', '-')}.ts` : `../${byHand}`
    file.imports.set(from, (file.imports.get(from) ?? new Set()).add(innerName))
    return innerName
  }
  const wordOf = (of: FieldType): string => {
    switch (of.kind) {
      case 'scalar':
        return scalars[of.scalar]
      case 'object':
        return named(of.type)
      case 'list': {
        const word = wordOf(of.of)
        return `readonly ${/ /.test(word) ? `(${word})` : word}[]`
      }
      case 'map':
        return `Readonly<Record<string, ${wordOf(of.of)}>>`
    }
  }

  const fields = [...fieldsOf(type)]
  const isKind = fields.some(([field]) => field === 'apiVersion') && fields.some(([field]) => field === 'metadata')
  if (isKind) file.imports.set('../meta.ts', (file.imports.get('../meta.ts') ?? new Set()).add('KubeObject'))
  const shown = fields.filter(([field]) => !isKind || !['apiVersion', 'kind', 'metadata'].includes(field))
  const lines = shown.map(
    ([field, { type: of, always }]) =>
      `  readonly ${/^\w+$/.test(field) ? field : JSON.stringify(field)}${always ? '' : '?'}: ${wordOf(of)}`,
  )
  if (lines.length === 0 && !isKind) {
    file.types.set(name, `export type ${name} = Readonly<Record<string, never>>\n`)
    return
  }
  file.types.set(name, `export interface ${name}${isKind ? ' extends KubeObject' : ''} {\n${lines.join('\n')}\n}\n`)
}
for (const kind of kinds) visit(kind)

const out = join(folder, 'kubernetes')
rmSync(out, { recursive: true, force: true })
mkdirSync(out)
for (const [group, { imports, types }] of files) {
  const importLines = [...imports].map(
    ([from, names]) => `import type { ${[...names].sort().join(', ')} } from '${from}'\n`,
  )
  const sorted = [...types].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)
  writeFileSync(
    join(out, `${group.replace('/', '-')}.ts`),
    `/** Types of ${group}, made by scripts/declare-types.ts. */\n${importLines.join('')}\n${sorted.join('\n')}`,
  )
}
