/** What a reference server answered. */
import { readFile, writeFile } from 'node:fs/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Comparable } from './answers.ts'
import type { Topic } from './questions.ts'

export interface Record {
  readonly about: string
  readonly name: string
  readonly answer: Comparable
}

/** Every nth question is enough to notice what changes; of the protocol each is another one. */
const step = 20

export const sampleOf = (topic: Topic): Topic =>
  topic.about === 'protocol' ? topic : { ...topic, questions: topic.questions.filter((_, at) => at % step === 0) }

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
