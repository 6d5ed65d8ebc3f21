/** Fields that stand twice in an object of a body: the last one counts, and who asks for it is told of them. */

const repetitions = new WeakMap<object, readonly string[]>()

/** `lines`: what is to be said of them. */
export const noteRepeated = <T>(body: T, lines: readonly string[]): T => {
  if (typeof body === 'object' && body !== null && lines.length > 0) repetitions.set(body, lines)
  return body
}

/** What is to be said of a parsed body. */
export const repeatedIn = (body: unknown): readonly string[] =>
  typeof body === 'object' && body !== null ? (repetitions.get(body) ?? []) : []

/** What ends a number or a word. */
const end = /[\s,\]}]|$/g

/** Where the objects of a JSON text say a field again, as Kubernetes words it: `duplicate field "spec.ports[0].port"`, each once. */
export const repeatedFields = (text: string): readonly string[] => {
  const found = new Set<string>()
  let at = 0

  const skipSpace = (): void => {
    while (/\s/.test(text[at] ?? '')) at++
  }
  const readString = (): string => {
    const start = at++
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    return String(JSON.parse(text.slice(start, ++at)))
  }
  /** Calls `item` for each part of what a bracket has opened. */
  const readParts = (item: () => void): void => {
    at++
    for (;;) {
      skipSpace()
      if (text[at] === '}' || text[at] === ']') break
      if (text[at] === ',') at++
      else item()
    }
    at++
  }
  const readObject = (path: string): void => {
    const seen = new Set<string>()
    readParts(() => {
      const name = readString()
      const place = path === '' ? name : `${path}.${name}`
      if (seen.has(name)) found.add(`duplicate field ${JSON.stringify(place)}`)
      seen.add(name)
      skipSpace()
      at++
      readValue(place)
    })
  }
  const readValue = (path: string): void => {
    skipSpace()
    if (text[at] === '{') readObject(path)
    else if (text[at] === '[') {
      let index = 0
      readParts(() => readValue(`${path}[${index++}]`))
    } else if (text[at] === '"') readString()
    else {
      end.lastIndex = at
      at = end.exec(text)?.index ?? text.length
    }
  }

  readValue('')
  return [...found]
}
