/**
 * What a Kubernetes API server answers to some thousand questions, kept by `npm run compare -- --record`: ours answers the same,
 * but for what is listed in `test/compare/known.json`.
 */
import t, { type Test } from 'tap'
import { compare } from '../compare/answers.ts'
import { type Asker, askFor, createAsker } from '../compare/ask.ts'
import { makeSeed, removeSeed } from '../compare/existing.ts'
import { createKnown } from '../compare/known.ts'
import type { Value } from '../compare/mutants.ts'
import { startOwnServer } from '../compare/own-server.ts'
import { type Topic, topics } from '../compare/questions.ts'
import { readRecords } from '../compare/records.ts'

const records = await readRecords(new URL('data/compare.jsonl.gz', import.meta.url))
const known = createKnown()
const inParallel = 8

const answersOf = (about: string) =>
  new Map(records.filter((record) => record.about === about).map(({ name, answer }) => [name, answer]))

/** What ours answers otherwise, and nobody has said why. */
const faultsOf = async (asker: Asker, { about, questions }: Topic, existing: Value): Promise<readonly string[]> => {
  const answers = answersOf(about)
  const waiting = questions.filter(({ name }) => answers.has(name))
  const faults: string[] = []
  const work = async (): Promise<void> => {
    for (let question = waiting.shift(); question; question = waiting.shift()) {
      const { name, ask, words } = question
      const reference = answers.get(name)
      if (!reference) continue
      const differences = compare(reference, await askFor(asker, ask(existing)), words)
      faults.push(...differences.map((found) => `${about} | ${name} | ${found}`).filter((line) => !known(line)))
    }
  }
  await Promise.all(Array.from({ length: inParallel }, work))
  return faults
}

const listen = async (t: Test): Promise<Asker> => {
  const server = await startOwnServer()
  const asker = createAsker(server)
  t.teardown(async () => {
    await asker.close()
    await server.close()
  })
  return asker
}

t.test('the answers are those of a Kubernetes API server', async (t) => {
  const asker = await listen(t)
  const recorded = new Set(records.map(({ about }) => about))
  const faults: string[] = []
  for (const topic of topics.filter(({ about }) => recorded.has(about))) {
    const existing = topic.seed ? await makeSeed(asker, topic.seed) : null
    if (existing === undefined) faults.push(`${topic.about}: is not made`)
    else faults.push(...(await faultsOf(asker, topic, existing)))
    if (topic.seed) await removeSeed(asker, topic.seed)
  }
  t.strictSame(faults, [])
})

t.test('every question that is kept is still asked', async (t) => {
  const asked = new Set(topics.flatMap(({ questions }) => questions.map(({ about, name }) => `${about} | ${name}`)))
  const gone = records.filter(({ about, name }) => !asked.has(`${about} | ${name}`))
  t.strictSame(gone, [], 'record the answers again')
  t.ok(records.length > 1_000, 'some thousand of them')
})
