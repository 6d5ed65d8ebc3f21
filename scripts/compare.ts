/**
 * Asks a Kubernetes API server and Podway's the same questions and tells where they answer differently, grouped by kind. What
 * has to be there to be changed is made and taken away again, in the namespace `default` and under the name `seed`.
 */
import { writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { type Comparable, compare } from '../test/compare/answers.ts'
import { type Asker, askFor, createAsker, readText } from '../test/compare/ask.ts'
import { makeSeed, removeSeed } from '../test/compare/existing.ts'
import { createKnown } from '../test/compare/known.ts'
import type { Value } from '../test/compare/mutants.ts'
import { startOwnServer } from '../test/compare/own-server.ts'
import { type Topic, topics } from '../test/compare/questions.ts'
import { type Record, sampleOf, writeRecords } from '../test/compare/records.ts'

interface Options {
  readonly reference: string
  readonly tokenFile?: string
  readonly ca?: string
  readonly only: string
  readonly record?: string
  readonly output?: string
}

/** Alike differences of one kind stand together: without positions in lists. */
const groupOf = (about: string, name: string, difference: string): string =>
  `${about.replace(/ (small|full)\b/, '')} | ${name.replaceAll(/\[\d+\]/g, '[]')} | ${difference.replaceAll(/\[\d+\]/g, '[]')}`

const inParallel = 8

/** What was found, as it is asked. */
interface Findings {
  asked: number
  readonly faults: Map<string, number>
  /** By reason. */
  readonly meant: Map<string, number>
  readonly records: Record[]
}

const count = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

const wordless = (answer: Comparable): Comparable => ('causes' in answer ? { ...answer, message: '' } : answer)

const askAll = async (
  { questions }: Topic,
  [reference, ours]: readonly [Asker, Asker],
  [theirSeed, ownSeed]: readonly [Value, Value],
  findings: Findings,
): Promise<void> => {
  const known = createKnown()
  const waiting = [...questions]
  const work = async (): Promise<void> => {
    for (let question = waiting.shift(); question; question = waiting.shift()) {
      const { about, name, ask, words } = question
      const [theirs, own] = await Promise.all([askFor(reference, ask(theirSeed)), askFor(ours, ask(ownSeed))])
      const differences = compare(theirs, own, words)
      const reasons = differences.map((difference) => known(`${about} | ${name} | ${difference}`))
      const faults = differences.filter((_, at) => reasons[at] === undefined)
      for (const reason of new Set(reasons)) if (reason !== undefined) count(findings.meant, reason)
      if (faults.length > 0) count(findings.faults, groupOf(about, name, faults.join('; ')))
      else findings.records.push({ about, name, answer: words ? theirs : wordless(theirs) })
      if (++findings.asked % 1000 === 0) console.error(`asked ${findings.asked}`)
    }
  }
  await Promise.all(Array.from({ length: inParallel }, work))
}

/** The object that the questions are about, on both servers; undefined when one of them does not make it. */
const seedFor = async (
  { seed }: Topic,
  [reference, ours]: readonly [Asker, Asker],
): Promise<readonly [Value, Value] | undefined> => {
  if (!seed) return [null, null]
  const own = await makeSeed(ours, seed)
  const theirs = own === undefined ? undefined : await makeSeed(reference, seed)
  return own === undefined || theirs === undefined ? undefined : [theirs, own]
}

const compareTopic = async (topic: Topic, askers: readonly [Asker, Asker], findings: Findings): Promise<void> => {
  const existing = await seedFor(topic, askers)
  if (existing) await askAll(topic, askers, existing, findings)
  else console.error(`${topic.about}: not made by both servers`)
  if (topic.seed) for (const asker of askers) await removeSeed(asker, topic.seed)
}

const isServed = async (reference: Asker, { seed, questions: [first] }: Topic): Promise<boolean> => {
  const path = seed?.path ?? first?.ask(null).path ?? '/'
  const { code } = await reference.ask({ method: 'GET', path: path.replace(/\?.*/, '') })
  return code !== 404
}

const tell = async ({ asked, faults, meant, records }: Findings, { output, record }: Options): Promise<number> => {
  const lines = [...faults].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, number]) => `${number}\t${group}`)
  if (output !== undefined) await writeFile(output, `${lines.join('\n')}\n`)
  else for (const line of lines) console.log(line)
  if (record !== undefined) await writeRecords(record, records)
  const sum = (counts: Map<string, number>): number => [...counts.values()].reduce((a, b) => a + b, 0)
  for (const [reason, number] of [...meant].sort(([, a], [, b]) => b - a)) console.log(`${number} meant: ${reason}`)
  console.log(`${asked} asked, ${sum(faults)} answered differently in ${faults.size} ways`)
  return faults.size === 0 ? 0 : 1
}

const main = async (options: Options): Promise<number> => {
  const [ca, token] = await Promise.all([readText(options.ca), readText(options.tokenFile)])
  const reference = createAsker({
    url: options.reference,
    ...(ca === undefined ? {} : { ca }),
    ...(token === undefined ? {} : { token }),
  })
  const own = await startOwnServer()
  const ours = createAsker(own)
  const findings: Findings = { asked: 0, faults: new Map(), meant: new Map(), records: [] }
  for (const topic of topics.filter(({ about }) => about.includes(options.only)))
    if (await isServed(reference, topic))
      await compareTopic(options.record === undefined ? topic : sampleOf(topic), [reference, ours], findings)
    else console.error(`${topic.about}: not served by the reference`)
  for (const { close } of [reference, ours, own]) await close()
  return tell(findings, options)
}

await new Command('compare')
  .description('compare what a Kubernetes API server and Podway accept, fill in and refuse')
  .requiredOption('--reference <url>', 'the other server: https://127.0.0.1:6443')
  .option('--token-file <file>', 'a file with a bearer token for it')
  .option('--ca <file>', 'its authority (default: any certificate is taken)')
  .option('--only <part>', 'only what holds this: "Pod small", "changed", "protocol"', '')
  .option('--output <file>', 'write the differences there')
  .option(
    '--record <file>',
    'ask some of it only, and keep the answers that are as ours, for npm test: test/conformance/data/compare.jsonl.gz',
  )
  .addHelpText('after', '\nExample:\n  npm run compare -- --reference https://127.0.0.1:6443 --token-file token')
  .action(async (options: Options) => {
    process.exitCode = await main(options)
  })
  .parseAsync()
