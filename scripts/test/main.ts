/**
 * Types, lint, then all tests (or the files that the arguments name a part of), and one closing line with the true
 * counts. `--long` runs what takes long in place of what is run every day.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { addCounts, countsText, nothingCounted } from './count.ts'
import { type TestFile, testFiles } from './files.ts'
import { type Outcome, runFile } from './run-file.ts'
import { createTeller } from './tell.ts'

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped.abort())

const check = async (name: string, file: string, args: readonly string[]): Promise<Outcome> => {
  const started = performance.now()
  const child = spawn(file, args, { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  const seconds = (performance.now() - started) / 1_000
  const counts = { ...nothingCounted, [code === 0 ? 'passed' : 'failed']: 1 }
  return { file: name, seconds, counts, reasons: [], trouble: code === 0 ? '' : 'see above' }
}

const teller = createTeller()
const outcomes: Outcome[] = []
const note = (outcome: Outcome): void => {
  outcomes.push(outcome)
  teller.ended(outcome)
}

/** One more at a time than there are processors, as labs mostly wait; every second takes from the end, where the short ones are. */
const runAll = async (files: readonly TestFile[]): Promise<void> => {
  const waiting = [...files]
  const work = async (_: unknown, lane: number): Promise<void> => {
    while (!stopped.signal.aborted) {
      const next = lane % 2 === 0 ? waiting.shift() : waiting.pop()
      if (!next) return
      teller.started(next.file)
      note(await runFile(next, stopped.signal))
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) + 1 }, work))
}

/** More than this is no accident. */
const mostAgain = 4

/**
 * What failed beside others, once more and alone, when it is little: on a busy machine a wait may be too short. The second run
 * counts, and the first is told with all that it said. Returns the first runs of those that passed then.
 */
const runAgain = async (): Promise<readonly Outcome[]> => {
  const failed = outcomes.filter(({ trouble }) => trouble !== '')
  const again = files.filter(({ file }) => failed.some((outcome) => outcome.file === file))
  if (again.length !== failed.length || again.length > mostAgain) return []
  const passed: Outcome[] = []
  for (const file of again) {
    if (stopped.signal.aborted) break
    teller.started(file.file)
    const outcome = await runFile(file, stopped.signal)
    teller.ended(outcome)
    const at = outcomes.findIndex((first) => first.file === file.file)
    passed.push(...outcomes.splice(at, 1, outcome).filter(() => outcome.trouble === ''))
  }
  return passed
}

const words = process.argv.slice(2)
const isLong = words.includes('--long')
const parts = words.filter((word) => word !== '--long')
const files = testFiles(isLong ? 'long' : 'everyday', parts)
if (isLong) {
  process.env['PODWAY_TEST_LONG'] = '1'
  process.env['PODWAY_TEST_SEED'] ??= String(Date.now() % 1_000_000)
  console.log(`PODWAY_TEST_SEED=${process.env['PODWAY_TEST_SEED']} repeats this run`)
}

if (parts.length === 0 && !isLong) {
  note(await check('types', 'tsc', ['--noEmit']))
  note(await check('lint', 'biome', ['check', '--error-on-warnings', '.']))
}
// tap builds its set of plugins on the first run, which two test processes must not do at once.
const plugins = await check('plugins of tap', 'tap', ['build'])
if (plugins.trouble !== '') note(plugins)
await runAll(files)
const unsteady = isLong ? [] : await runAgain()
teller.close()

const total = outcomes.map(({ counts }) => counts).reduce(addCounts, nothingCounted)
const reasons = outcomes.flatMap((outcome) => outcome.reasons)
for (const { file, trouble } of outcomes) if (trouble !== '') console.log(`\n== ${file}\n${trouble}`)
for (const { file, trouble } of unsteady) console.log(`\n== unsteady: ${file} passed alone; beside others:\n${trouble}`)
for (const reason of reasons) console.log(`skipped: ${reason}`)
const needlessSkips = process.getuid?.() === 0 && reasons.some((reason) => /\broot\b/.test(reason))
if (needlessSkips) console.log('a test that needs root was skipped although root is here')
if (files.length === 0) console.log(`no test file is named like ${parts.join(', ')}`)
if (stopped.signal.aborted) console.log('stopped before the end')
const isGood = total.failed === 0 && !needlessSkips && !stopped.signal.aborted && files.length > 0
console.log(countsText(isGood || total.failed > 0 ? total : addCounts(total, { ...nothingCounted, failed: 1 })))
process.exitCode = isGood ? 0 : 1
