/** Asks a server for every record that the specification demands, and tells what differs. */
import { tcpLimit, typeName, types } from '../wire/constants.ts'
import { createQuery } from '../wire/query.ts'
import { writeResponse } from '../wire/response.ts'
import type { ZoneRecord } from '../zone/records.ts'
import { type Asker, type ReadAnswer, readAnswer } from './ask.ts'

export interface Difference {
  readonly name: string
  readonly type: string
  readonly missing: readonly string[]
  readonly unexpected: readonly string[]
  /** When it is not NOERROR. */
  readonly rcode?: string
}

/** Records as their reader would give them, whoever wrote them. */
const asRead = (owner: string, type: number, records: readonly ZoneRecord[]): readonly string[] => {
  const answers = records.map(({ data }) => ({ type, data, ttl: 0 }))
  return readAnswer(
    writeResponse(createQuery(owner, type), { rcode: 0, isAuthoritative: true, answers }, tcpLimit),
  ).answers.map(({ data }) => data)
}

/** Shares of several endpoints are each server's own. */
const comparable = (type: number, data: string): string =>
  type === types.SRV ? data.replace(/^\d+ \d+ /, '').toLowerCase() : data.toLowerCase()

const compare = (owner: string, type: number, wanted: readonly ZoneRecord[], got: ReadAnswer): Difference[] => {
  const expected = new Set(asRead(owner, type, wanted).map((data) => comparable(type, data)))
  const name = typeName(type) ?? String(type)
  const found = new Set(got.answers.filter((record) => record.type === name).map(({ data }) => comparable(type, data)))
  const missing = [...expected].filter((data) => !found.has(data))
  const unexpected = [...found].filter((data) => !expected.has(data))
  if (missing.length + unexpected.length === 0) return []
  return [{ name: owner, type: name, missing, unexpected, ...(got.rcode === 'NOERROR' ? {} : { rcode: got.rcode }) }]
}

const atOnce = 32

/** Resolves to what differs, by name and type. Rejects when the server does not answer. */
export const checkRecords = async (
  asker: Pick<Asker, 'ask'>,
  records: readonly ZoneRecord[],
  onProgress: (done: number, all: number) => void = () => undefined,
): Promise<readonly Difference[]> => {
  const questions = [...Map.groupBy(records, ({ owner, type }) => `${owner} ${type}`).values()]
  const differences: Difference[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < questions.length; at = next++) {
      const [first, ...more] = questions[at] ?? []
      if (!first) continue
      const answer = await asker.ask(first.owner, first.type)
      differences.push(...compare(first.owner, first.type, [first, ...more], answer))
      onProgress(at + 1, questions.length)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return differences
}
