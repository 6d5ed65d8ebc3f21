/** What a reference server answered, kept small: an object as its difference to the one of its seed. */
import { readFile, writeFile } from 'node:fs/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Comparable } from './answers.ts'

export interface Record {
  readonly seed: string
  readonly mutant: string
  readonly answer: Comparable
}

export const recordOf = (seed: string, mutant: string, answer: Comparable): Record => ({ seed, mutant, answer })

/** Sorted, one line each: packed well, and the same for the same answers. */
export const writeRecords = async (file: string, records: readonly Record[]): Promise<void> => {
  const lines = records.map((record) => JSON.stringify(record)).sort()
  await writeFile(file, gzipSync(`${lines.join('\n')}\n`, { level: 9 }))
}

export const readRecords = async (file: string | URL): Promise<readonly Record[]> =>
  gunzipSync(await readFile(file))
    .toString('utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record)
