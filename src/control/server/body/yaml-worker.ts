/** The thread of `yaml.ts`: one text, one answer. */

import { parentPort, workerData } from 'node:worker_threads'
import { isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { errorText } from '../../../api/errors.ts'
import { integerFrom } from '../../../api/json.ts'
import type { YamlResult } from './yaml.ts'

/** The parser's own check compares every key with every other. In the words of Kubernetes' parser. */
const repeatedKeys = (document: ReturnType<typeof parseDocument>, lines: LineCounter): readonly string[] => {
  const repeated = new Set<string>()
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : key
        const place = isScalar(key) ? lines.linePos(key.range?.[0] ?? 0).line : 0
        if (seen.has(name)) repeated.add(`line ${place}: key ${JSON.stringify(String(name))} already set in map`)
        seen.add(name)
      }
    },
  })
  return [...repeated]
}

/** Of 64 bits as it stands there, else a double; what a double holds is one. */
const asNumber = (_key: string, value: unknown): unknown => {
  if (typeof value !== 'bigint') return value
  const integer = integerFrom(value) ?? Number(value)
  return typeof integer === 'bigint' ? JSON.rawJSON(String(integer)) : integer
}

const read = (text: string): YamlResult => {
  try {
    const lineCounter = new LineCounter()
    const intAsBigInt = /\d{16}/.test(text)
    const document = parseDocument(text, { uniqueKeys: false, logLevel: 'error', lineCounter, intAsBigInt })
    const [error] = document.errors
    if (error) return { wrong: error.message }
    const json = JSON.stringify(document.toJS(), intAsBigInt ? asNumber : undefined) ?? 'null'
    return { json, repeated: repeatedKeys(document, lineCounter) }
  } catch (error) {
    return { wrong: errorText(error) }
  }
}

parentPort?.postMessage(read(String(workerData)))
