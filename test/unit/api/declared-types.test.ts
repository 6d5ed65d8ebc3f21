import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { declarations } from '../../../scripts/declare-types/declarations.ts'
import { alwaysThere, mayLack, neverNull } from '../../../scripts/declare-types/presence.ts'

const folder = new URL('../../../src/api/types/kubernetes/', import.meta.url)

t.test('the types of kinds are what the schema says', async (t) => {
  const made = declarations()
  t.strictSame(readdirSync(folder).sort(), [...made.keys()].sort(), 'the files')
  for (const [file, text] of made)
    t.equal(readFileSync(new URL(file, folder), 'utf8'), text, `${file}: node scripts/declare-types.ts`)
})

t.test('a field is in one table of presence', async (t) => {
  const all = [...alwaysThere, ...mayLack, ...neverNull]
  t.strictSame(
    all.filter((path, at) => all.indexOf(path) !== at),
    [],
  )
})

t.test('how a field is declared', async (t) => {
  const core = declarations().get('core-v1.ts') ?? ''
  const meta = declarations().get('meta-v1.ts') ?? ''
  for (const [text, line] of [
    [core, '  readonly protocol?: Protocol\n'],
    [core, "export type Protocol = 'SCTP' | 'TCP' | 'UDP'\n"],
    [core, '  readonly ipFamilies?: readonly IPFamily[]\n'],
    [core, '  readonly metadata?: Partial<ObjectMeta>\n'],
    [core, '  readonly firstTimestamp?: string | null\n'],
    [core, '  readonly ephemeralContainers?: readonly EphemeralContainer[]\n'],
    [
      core,
      'export interface Pod {\n  readonly kind: string\n  readonly apiVersion: string\n  readonly metadata: ObjectMeta\n  readonly spec: PodSpec\n  readonly status?: PodStatus\n}\n',
    ],
    [meta, '  readonly name: string\n  readonly generateName?: string\n'],
    [meta, 'export interface Status {\n  readonly kind: string\n  readonly apiVersion: string\n'],
  ] as const)
    t.ok(text.includes(line), line)
})
