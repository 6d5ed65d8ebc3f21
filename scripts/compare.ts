/**
 * Asks a Kubernetes API server and Podway's the same questions (would you create this?) and tells where they answer
 * differently, grouped by kind. Nothing is created.
 */
import { writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { compare } from '../test/compare/answers.ts'
import { createOurs, createReference, readText } from '../test/compare/ask.ts'
import { createKnown } from '../test/compare/known.ts'
import { type Question, questionsOf } from '../test/compare/questions.ts'
import { type Record, recordOf, writeRecords } from '../test/compare/records.ts'
import { seeds } from '../test/compare/seeds.ts'

interface Options {
  readonly reference: string
  readonly tokenFile?: string
  readonly ca?: string
  readonly only: string
  readonly record?: string
  readonly output?: string
}

/** Alike differences of one kind stand together: without positions in lists. */
const groupOf = (seed: string, mutant: string, difference: string): string =>
  `${seed.replace(/ \w+$/, '')} | ${mutant.replaceAll(/\[\d+\]/g, '[]')} | ${difference.replaceAll(/\[\d+\]/g, '[]')}`

const inParallel = 8

const main = async (options: Options): Promise<number> => {
  const [ca, token] = await Promise.all([readText(options.ca), readText(options.tokenFile)])
  const reference = createReference({
    url: options.reference,
    ...(ca === undefined ? {} : { ca }),
    ...(token === undefined ? {} : { token }),
  })
  const ours = await createOurs()
  const known = createKnown()
  const all: Question[] = []
  for (const seed of seeds.filter(({ name }) => name.includes(options.only))) {
    const { code } = await reference.ask(seed.path, seed.object)
    if (code === 404) console.error(`the reference does not serve ${seed.path}`)
    else all.push(...questionsOf(seed))
  }
  const groups = new Map<string, number>()
  const records: Record[] = []
  let [meant, done, next] = [0, 0, 0]
  const work = async (): Promise<void> => {
    for (let question = all[next++]; question; question = all[next++]) {
      const { seed, name, object } = question
      const [theirs, own] = await Promise.all([reference.ask(seed.path, object), ours(seed.path, object)])
      records.push(recordOf(seed.name, name, theirs))
      const differences = compare(theirs, own)
      const faults = differences.filter((difference) => known(`${seed.name} | ${name} | ${difference}`) === undefined)
      if (faults.length > 0) {
        const group = groupOf(seed.name, name, faults.join('; '))
        groups.set(group, (groups.get(group) ?? 0) + 1)
      } else if (differences.length > 0) meant++
      if (++done % 1000 === 0) console.error(`asked ${done} of ${all.length}`)
    }
  }
  await Promise.all(Array.from({ length: inParallel }, work))
  await reference.close()
  const lines = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, count]) => `${count}\t${group}`)
  if (options.output !== undefined) await writeFile(options.output, `${lines.join('\n')}\n`)
  else for (const line of lines) console.log(line)
  if (options.record !== undefined) await writeRecords(options.record, records)
  const different = [...groups.values()].reduce((sum, count) => sum + count, 0)
  console.log(`${all.length} asked, ${different} answered differently in ${groups.size} ways, ${meant} as is known`)
  return different === 0 ? 0 : 1
}

await new Command('compare')
  .description('compare what a Kubernetes API server and Podway accept, fill in and refuse')
  .requiredOption('--reference <url>', 'the other server: https://127.0.0.1:6443')
  .option('--token-file <file>', 'a file with a bearer token for it')
  .option('--ca <file>', 'its authority (default: any certificate is taken)')
  .option('--only <part>', 'only seeds whose name holds this: "Pod small"', '')
  .option('--output <file>', 'write the differences there')
  .option('--record <file>', 'keep what the reference answered, for npm test')
  .addHelpText('after', '\nExample:\n  npm run compare -- --reference https://127.0.0.1:6443 --token-file token')
  .action(async (options: Options) => {
    process.exitCode = await main(options)
  })
  .parseAsync()
