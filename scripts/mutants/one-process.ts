/**
 * A plugin of Stryker: runs test files in its own process, again and again, where the runner that comes with it starts Node for each
 * file and mutant. Each run loads the test file anew and gives it a root of its own in place of tap's; the sources stay loaded,
 * since a mutant is chosen while they run. Those that are chosen at load time get a new process from Stryker.
 */
import { globSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { setImmediate as turnOfLoop } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { MutantCoverage, StrykerOptions } from '@stryker-mutator/api/core'
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin'
import {
  type CompleteDryRunResult,
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner'
import type { Test, TestOpts } from 'tap'

/** What instrumented sources look at. */
interface Chosen {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  mutantCoverage?: MutantCoverage
  hitCount?: number | undefined
  hitLimit?: number | undefined
}

const chosen: Chosen = {}
const roots = new Map<string, Test>()
Object.assign(globalThis, { __stryker__: chosen, rootOfRun: (run: string) => roots.get(run) })

const scheme = 'root-of-run:'
registerHooks({
  resolve: (specifier, context, next) => {
    const [, run] = /\?run=(\d+)$/.exec(context.parentURL ?? '') ?? []
    return specifier === 'tap' && run !== undefined
      ? { url: `${scheme}${run}`, format: 'module', shortCircuit: true }
      : next(specifier, context)
  },
  load: (url, context, next) =>
    url.startsWith(scheme)
      ? {
          format: 'module',
          source: `export default globalThis.rootOfRun(${JSON.stringify(url.slice(scheme.length))})`,
          shortCircuit: true,
        }
      : next(url, context),
})

/** Loaded where tests run alone: it watches over the process that it is in. */
const openTap = async () => {
  const loaded = await import('tap')
  loaded.t.setTimeout(0)
  return loaded
}
let tap: ReturnType<typeof openTap>
let runs = 0
/** Of the test file that runs: what is thrown where nobody waits for it fails it. */
let failed: (error: unknown) => void = () => undefined
process.on('uncaughtException', (error) => failed(error))
process.on('unhandledRejection', (error) => failed(error))

/** Why it fails; undefined when it does not. */
const failureOf = async (file: string): Promise<string | undefined> => {
  const { Test } = await tap
  const run = String(++runs)
  const options: TestOpts = { name: file, bail: true }
  const root = new Test(options)
  roots.set(run, root)
  root.resume()
  const ended = new Promise<void>((done) => root.once('end', done))
  let thrown: string | undefined
  const broken = Promise.withResolvers<void>()
  failed = (error) => {
    thrown ??= String(error)
    broken.resolve()
  }
  try {
    await import(`${pathToFileURL(resolve(file))}?run=${run}`)
    root.end()
    await Promise.race([ended, broken.promise])
    await turnOfLoop()
  } catch (error) {
    failed(error)
  }
  roots.delete(run)
  return thrown ?? (root.results?.ok ? undefined : (root.results?.failures[0]?.fullname ?? 'a failed assertion'))
}

/** How long each file took when it passed last, in milliseconds: the quick ones notice most, and go first. */
const took = new Map<string, number>()

const quickFirst = (files: readonly string[]): readonly string[] =>
  files.toSorted((a, b) => (took.get(a) ?? 0) - (took.get(b) ?? 0))

const resultOf = async (file: string): Promise<TestResult> => {
  chosen.currentTestId = file
  const began = performance.now()
  const failure = await failureOf(file)
  const timeSpentMs = performance.now() - began
  chosen.currentTestId = undefined
  if (failure === undefined) took.set(file, timeSpentMs)
  const about = { id: file, name: file, fileName: file, timeSpentMs }
  return failure === undefined
    ? { ...about, status: TestStatus.Success }
    : { ...about, status: TestStatus.Failed, failureMessage: failure }
}

/** Until the first that fails. */
const runAll = async (files: readonly string[], isWhole: boolean): Promise<CompleteDryRunResult> => {
  const tests: TestResult[] = []
  for (const file of files) {
    const result = await resultOf(file)
    tests.push(result)
    if (result.status === TestStatus.Failed && !isWhole) break
  }
  return { status: DryRunStatus.Complete, tests }
}

/** After so many mutants it is looked whether the tests still pass without one: something may be kept from run to run. */
const mutantsPerLook = 20

class OneProcessRunner {
  static inject = tokens(commonTokens.options)
  readonly #files: readonly string[]
  readonly #sources: readonly string[]
  #isLoaded = false
  #mutants = 0

  constructor(options: StrykerOptions) {
    this.#files = (options['testFilePatterns'] as readonly string[]).flatMap((pattern) => globSync(pattern)).sort()
    this.#sources = options.mutate.flatMap((pattern) => globSync(pattern.replace(/:\d.*$/, '')))
  }

  async init(): Promise<void> {
    tap = openTap()
    await tap
  }

  capabilities() {
    return { reloadEnvironment: false }
  }

  /** What runs while a source is loaded belongs to no test. */
  async #load(): Promise<void> {
    if (this.#isLoaded) return
    this.#isLoaded = true
    for (const source of this.#sources) await import(pathToFileURL(resolve(source)).href)
  }

  async dryRun(): Promise<DryRunResult> {
    await this.#load()
    const result = await runAll(this.#files, true)
    return { ...result, mutantCoverage: chosen.mutantCoverage ?? { static: {}, perTest: {} } }
  }

  async mutantRun({
    activeMutant,
    mutantActivation,
    hitLimit,
    testFilter,
  }: MutantRunOptions): Promise<MutantRunResult> {
    if (mutantActivation === 'runtime') await this.#load()
    const files = quickFirst(testFilter ?? this.#files)
    Object.assign(chosen, { activeMutant: activeMutant.id, hitCount: 0, hitLimit })
    const result = await runAll(files, false)
    const limit = determineHitLimitReached(chosen.hitCount, hitLimit)
    Object.assign(chosen, { activeMutant: undefined, hitCount: undefined, hitLimit: undefined })
    if (++this.#mutants % mutantsPerLook === 0 && mutantActivation === 'runtime') await this.#look(files)
    return toMutantRunResult(limit ?? result)
  }

  /** Throws, and gets a new process for that. */
  async #look(files: readonly string[]): Promise<void> {
    const { tests } = await runAll(files, false)
    const broken = tests.find(({ status }) => status === TestStatus.Failed)
    if (broken) throw new Error(`${broken.name} fails without a mutant: something is kept from one run to the next`)
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'one-process', OneProcessRunner)]
