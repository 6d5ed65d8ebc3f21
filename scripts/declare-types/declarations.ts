/** TypeScript's view of the schema, as text. Pure: a function of the schema and of the tables beside it. */
import { type Field, type FieldType, fieldsOf, type Scalar } from '../../src/control/schema/types.ts'
import { type Enumeration, enumerations } from './enumerations.ts'
import { kinds } from './kinds.ts'
import { alwaysThere, mayLack, neverNull } from './presence.ts'

const scalars: Readonly<Record<Scalar, string>> = {
  ...{ string: 'string', time: 'string', microtime: 'string', quantity: 'string', bytes: 'string' },
  ...{ int32: 'number', int64: 'number', number: 'number', boolean: 'boolean' },
  ...{ intOrString: 'number | string', any: 'unknown' },
}

/** The longest line that the formatter leaves alone. */
const lineWidth = 120

const split = (type: string): readonly [group: string, name: string] => {
  const dot = type.indexOf('.')
  return [type.slice(0, dot), type.slice(dot + 1)]
}

const fileOf = (group: string): string => `${group.replace('/', '-')}.ts`

const isKind = (type: string): boolean => fieldsOf(type).has('apiVersion') && fieldsOf(type).has('metadata')

const holdsBytes = (type: FieldType): boolean =>
  type.kind === 'scalar' ? type.scalar === 'bytes' : type.kind !== 'object' && holdsBytes(type.of)

/** The file of one group version, as it grows. */
interface GroupFile {
  readonly imports: Map<string, Set<string>>
  readonly declared: Map<string, string>
}

const importLine = (from: string, names: readonly string[]): string => {
  const line = `import type { ${names.join(', ')} } from '${from}'\n`
  if (line.length <= lineWidth + 1) return line
  return `import type {\n${names.map((name) => `  ${name},\n`).join('')}} from '${from}'\n`
}

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const textOf = (group: string, { imports, declared }: GroupFile): string => {
  const importLines = [...imports]
    .sort(([a], [b]) => inOrder(a, b))
    .map(([from, names]) => importLine(from, [...names].sort()))
  const declarations = [...declared].sort(([a], [b]) => inOrder(a, b)).map(([, text]) => text)
  return [`/** Types of ${group}, made by scripts/declare-types.ts. */\n`, importLines.join(''), ...declarations]
    .filter((part) => part !== '')
    .join('\n')
}

/** Every field that the tables name; whoever declares a field takes it away, so that an idle entry shows. */
const unusedEntries = (): Set<string> =>
  new Set([
    ...[...alwaysThere, ...mayLack, ...neverNull],
    ...Object.values(enumerations).flatMap(({ fields }: Enumeration) => fields),
  ])

/** By the file's name. Throws for an entry of a table that names no field of these kinds. */
export const declarations = (): ReadonlyMap<string, string> => {
  const files = new Map<string, GroupFile>()
  const unused = unusedEntries()

  const fileFor = (group: string): GroupFile => {
    const file = files.get(group) ?? { imports: new Map(), declared: new Map() }
    files.set(group, file)
    return file
  }

  const imported = (group: string, from: string, name: string): string => {
    const { imports } = fileFor(group)
    imports.set(from, (imports.get(from) ?? new Set()).add(name))
    return name
  }

  /** The word for a type of the schema where it stands in the file of `group`. */
  const named = (type: string, group: string, declareIt: (type: string) => void): string => {
    const [home, name] = split(type)
    declareIt(type)
    return home === group ? name : imported(group, `./${fileOf(home)}`, name)
  }

  const declareEnumeration = (type: string): void => {
    const [group, name] = split(type)
    const values = enumerations[type]?.values.map((value) => `'${value}'`).join(' | ')
    fileFor(group).declared.set(name, `export type ${name} = ${values}\n`)
  }

  const wordOf = (of: FieldType, path: string, group: string): string => {
    switch (of.kind) {
      case 'scalar': {
        const enumeration = Object.entries(enumerations).find(([, { fields }]) => fields.includes(path))
        if (enumeration === undefined) return scalars[of.scalar]
        unused.delete(path)
        return named(enumeration[0], group, declareEnumeration)
      }
      case 'object':
        return named(of.type, group, declare)
      case 'list': {
        const word = wordOf(of.of, path, group)
        return `readonly ${/ /.test(word) ? `(${word})` : word}[]`
      }
      case 'map':
        return `Readonly<Record<string, ${wordOf(of.of, path, group)}>>`
    }
  }

  /** Whether a field is there: as its tag in Go says, but for what the tables say. */
  const isThere = (path: string, { always }: Field): boolean => {
    const isListed = (always ? mayLack : alwaysThere).includes(path)
    if (isListed) unused.delete(path)
    return always !== isListed
  }

  const isNullable = (path: string, { type, pointer }: Field): boolean => {
    if (neverNull.includes(path)) return !unused.delete(path)
    return type.kind === 'scalar' && (type.scalar === 'time' || type.scalar === 'microtime') && !pointer
  }

  const fieldLine = (type: string, name: string, field: Field): string => {
    const [path, [group]] = [`${type}.${name}`, split(type)]
    if (isKind(type) && (name === 'apiVersion' || name === 'kind')) return `  readonly ${name}: string\n`
    const isTemplate = !isKind(type) && field.type.kind === 'object' && field.type.type === 'meta/v1.ObjectMeta'
    const word = wordOf(field.type, path, group)
    return [
      holdsBytes(field.type) ? '  /** In base64. */\n' : '',
      `  readonly ${/^[\w$]+$/.test(name) ? name : `'${name}'`}${isThere(path, field) ? '' : '?'}: `,
      // What is made from a template gets its name later.
      isTemplate ? `Partial<${word}>` : word,
      isNullable(path, field) ? ' | null\n' : '\n',
    ].join('')
  }

  const declare = (type: string): void => {
    const [group, name] = split(type)
    const { declared } = fileFor(group)
    if (declared.has(name)) return
    // Types may hold themselves.
    declared.set(name, '')

    const lines = [...fieldsOf(type)].map(([field, of]) => fieldLine(type, field, of))
    declared.set(
      name,
      lines.length === 0
        ? `export type ${name} = Readonly<Record<string, never>>\n`
        : `export interface ${name} {\n${lines.join('')}}\n`,
    )
  }

  for (const [group, names] of Object.entries(kinds)) for (const name of names) declare(`${group}.${name}`)
  if (unused.size > 0) throw new Error(`no kind has ${[...unused].join(', ')}: see scripts/declare-types/`)
  return new Map([...files].map(([group, file]) => [fileOf(group), textOf(group, file)]))
}
