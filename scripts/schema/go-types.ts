/** Reads the types of a Go package of Kubernetes' API out of its `types.go`: structs with their tags and markers. Pure. */

export interface GoField {
  /** Empty for an embedded type. */
  readonly name: string
  readonly type: string
  readonly json: { readonly name: string; readonly options: readonly string[] }
  /** Undefined where the field is not in the protobuf message. */
  readonly number: number | undefined
  readonly patchStrategy: readonly string[]
  readonly patchMergeKey: string | undefined
  /** `+listType=map` as `['listType', 'map']`, in their order. */
  readonly markers: readonly (readonly [name: string, value: string])[]
}

export interface GoStruct {
  readonly fields: readonly GoField[]
  readonly markers: GoField['markers']
}

export interface GoFile {
  readonly structs: ReadonlyMap<string, GoStruct>
  /** `type Protocol string`: what it is made of. */
  readonly aliases: ReadonlyMap<string, string>
  /** Names of imported packages, to their paths. */
  readonly imports: ReadonlyMap<string, string>
}

const tagOf = (tags: string, name: string): string | undefined =>
  new RegExp(`(?:^|\\s)${name}:"([^"]*)"`).exec(tags)?.[1]

const markersIn = (comments: readonly string[]): GoField['markers'] =>
  comments.flatMap((line) => {
    const found = /^\s*\/\/\s*\+([\w:-]+)(?:=(.*))?$/.exec(line)
    return found ? [[found[1] ?? '', (found[2] ?? '').trim()] as const] : []
  })

const fieldPattern = /^\s*(?:(\w+)\s+)?([*[\]\w.]+(?:\[[\w.]+\][*[\]\w.]+)?)\s*`([^`]*)`/

const fieldOf = (line: string, comments: readonly string[]): GoField | undefined => {
  const found = fieldPattern.exec(line)
  const tags = found?.[3] ?? ''
  const json = tagOf(tags, 'json')
  if (!found || json === undefined || json === '-') return undefined
  const [name = '', ...options] = json.split(',')
  const number = tagOf(tags, 'protobuf')?.split(',')[1]
  return {
    name: found[1] ?? '',
    type: found[2] ?? '',
    json: { name, options },
    number: number === undefined ? undefined : Number(number),
    patchStrategy: tagOf(tags, 'patchStrategy')?.split(',') ?? [],
    patchMergeKey: tagOf(tags, 'patchMergeKey'),
    markers: markersIn(comments),
  }
}

export const parseGo = (source: string): GoFile => {
  const structs = new Map<string, GoStruct>()
  const aliases = new Map<string, string>()
  const imports = new Map<string, string>()
  let comments: string[] = []
  let open: { readonly name: string; readonly fields: GoField[]; readonly markers: GoField['markers'] } | undefined
  for (const line of source.replaceAll(/\/\*[\s\S]*?\*\//g, '').split('\n')) {
    const imported = /^\s*(?:import\s+)?(?:(\w+)\s+)?"([\w./-]+)"$/.exec(line)
    const struct = /^type (\w+) struct ?\{(\})?/.exec(line)
    const alias = /^type (\w+) (?:= )?([*[\]\w.]+(?:\[[\w.]+\][*[\]\w.]+)?)$/.exec(line.replace(/\s*\/\/.*$/, ''))
    if (/^\s*\/\//.test(line)) comments.push(line)
    else if (open) {
      if (line.startsWith('}')) {
        structs.set(open.name, open)
        open = undefined
      } else {
        const field = fieldOf(line, comments)
        if (field) open.fields.push(field)
      }
      if (line.trim() !== '') comments = []
    } else {
      if (struct?.[1] && struct[2]) structs.set(struct[1], { fields: [], markers: markersIn(comments) })
      else if (struct?.[1]) open = { name: struct[1], fields: [], markers: markersIn(comments) }
      else if (alias?.[1]) aliases.set(alias[1], alias[2] ?? '')
      else if (imported?.[2]) imports.set(imported[1] ?? imported[2].replace(/^.*\//, ''), imported[2])
      // Markers of a type may stand apart from its description.
      if (line.trim() !== '') comments = []
    }
  }
  return { structs, aliases, imports }
}
