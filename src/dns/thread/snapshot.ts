/** The last known zone on disk: a restart answers at once, even when the API is away. */
import { readFile } from 'node:fs/promises'
import { setImmediate as otherWork } from 'node:timers/promises'
import { writeFileAtomic } from '../../host/files.ts'
import type { ZoneRecord } from '../zone/records.ts'

export type Source = readonly [source: string, records: readonly ZoneRecord[]]

/** Queries are answered between so many sources. */
const sourcesPerTurn = 200

const render = ([source, records]: Source): string =>
  JSON.stringify([
    source,
    records.map(({ owner, type, data, target }) => [owner, type, Buffer.from(data).toString('base64'), target]),
  ])

const isText = (value: unknown): value is string => typeof value === 'string'

/** Undefined for what this program did not write. */
const parse = (line: string): Source | undefined => {
  const [source, list]: unknown[] = JSON.parse(line)
  if (!isText(source) || !Array.isArray(list)) return undefined
  const records = list.map((each: unknown): ZoneRecord | undefined => {
    const [owner, type, data, target]: unknown[] = Array.isArray(each) ? each : []
    if (!isText(owner) || typeof type !== 'number' || !isText(data)) return undefined
    return { owner, type, data: Buffer.from(data, 'base64'), ...(isText(target) ? { target } : {}) }
  })
  return records.every((record) => record !== undefined) ? [source, records] : undefined
}

/** Rejects when the disk does not take it. */
export const saveSnapshot = async (file: string, sources: Iterable<Source>): Promise<void> => {
  const lines: string[] = []
  for (const source of sources) {
    lines.push(render(source))
    if (lines.length % sourcesPerTurn === 0) await otherWork()
  }
  await writeFileAtomic(file, `${lines.join('\n')}\n`)
}

/** Undefined when there is none, or none that can be read. */
export const loadSnapshot = async (file: string): Promise<readonly Source[] | undefined> => {
  try {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
    const sources = lines.map(parse)
    return sources.every((source) => source !== undefined) ? sources : undefined
  } catch {
    // Without it everything is as at the first start.
    return undefined
  }
}
