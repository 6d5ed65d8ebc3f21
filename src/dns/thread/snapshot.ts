/** The last known zone on disk: a restart answers at once, even when the API is away. */
import { hash } from 'node:crypto'
import { setImmediate as otherWork } from 'node:timers/promises'
import { readOrSetAside } from '../../host/durable-file.ts'
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

/** The last line: a file that was cut off at the end of a line is not whole either. */
const renderSeal = (lines: readonly string[]): string =>
  JSON.stringify({ sources: lines.length, sha256: hash('sha256', lines.join('\n')) })

/** Rejects when the disk does not take it. */
export const saveSnapshot = async (file: string, sources: Iterable<Source>): Promise<void> => {
  const lines: string[] = []
  for (const source of sources) {
    lines.push(render(source))
    if (lines.length % sourcesPerTurn === 0) await otherWork()
  }
  await writeFileAtomic(file, `${[...lines, renderSeal(lines)].join('\n')}\n`)
}

const parseSnapshot = (text: string): readonly Source[] => {
  const lines = text.split('\n').filter((line) => line !== '')
  const seal = lines.pop()
  if (seal !== renderSeal(lines)) throw new Error('it is not whole')
  return lines.map((line) => {
    const source = parse(line)
    if (!source) throw new Error('it does not hold DNS records')
    return source
  })
}

/** Undefined when there is none, or none that is whole: then everything is as at the first start. */
export const loadSnapshot = (
  file: string,
  onDamage: (message: string) => void,
): Promise<readonly Source[] | undefined> => readOrSetAside(file, parseSnapshot, onDamage)
