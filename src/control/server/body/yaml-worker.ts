/** The thread of `yaml.ts`: one text, one answer. */
import { parentPort, workerData } from 'node:worker_threads'
import { isScalar, parseDocument, visit } from 'yaml'
import type { YamlResult } from './yaml.ts'

/** The parser's own check compares every key with every other. */
const repeatedKey = (document: ReturnType<typeof parseDocument>): string | undefined => {
  let repeated: string | undefined
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : key
        if (seen.has(name)) repeated = String(name)
        seen.add(name)
      }
      return repeated === undefined ? undefined : visit.BREAK
    },
  })
  return repeated
}

const read = (text: string): YamlResult => {
  try {
    const document = parseDocument(text, { uniqueKeys: false, logLevel: 'error' })
    const [error] = document.errors
    if (error) return { wrong: error.message }
    const repeated = repeatedKey(document)
    if (repeated !== undefined) return { wrong: `key ${JSON.stringify(repeated)} already set in map` }
    return { json: JSON.stringify(document.toJS()) ?? 'null' }
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) }
  }
}

parentPort?.postMessage(read(String(workerData)))
