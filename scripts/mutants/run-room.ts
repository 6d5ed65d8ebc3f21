/** One run of Stryker over a room. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import type { MutatedRoom } from './rooms.ts'

export interface Mutant {
  readonly file: string
  readonly line: number
  readonly replacement: string
  readonly isNoticed: boolean
}

const noticed: readonly string[] = ['Killed', 'Timeout']
const unnoticed: readonly string[] = ['Survived', 'NoCoverage']

/** Stryker copies the tree to try changes there; what no unit test reads may stay where it is. */
const leftBehind = [
  '/dist',
  '/examples',
  '/scripts',
  '/test/{integration,long,bench,conformance}',
  '/*.md',
  '/tsconfig*',
]

/** All mutants that compile, with the verdict of the room's tests. */
export const runRoom = async ({ sources, tests }: MutatedRoom, concurrency: number): Promise<readonly Mutant[]> => {
  // A mutant costs little more than the start of a test file: compiled code is kept from one start to the next.
  const cache = mkdtempSync(join(tmpdir(), 'podway-mutants-'))
  process.env['NODE_COMPILE_CACHE'] = cache
  try {
    const results = await new Stryker({
      mutate: [...sources],
      plugins: ['@stryker-mutator/tap-runner', './scripts/mutants/ignore-messages.ts'],
      ignorers: ['messages'],
      testRunner: 'tap',
      tap: { testFiles: tests, nodeArgs: ['--disable-warning=ExperimentalWarning'] },
      coverageAnalysis: 'perTest',
      concurrency,
      disableTypeChecks: false,
      ignorePatterns: leftBehind,
      reporters: ['progress-append-only'],
      allowConsoleColors: false,
    }).runMutationTest()
    return results
      .filter(({ status }) => noticed.includes(status) || unnoticed.includes(status))
      .map(({ fileName, location, replacement = '', status }) => ({
        file: fileName,
        line: location.start.line,
        replacement,
        isNoticed: noticed.includes(status),
      }))
  } finally {
    rmSync(cache, { recursive: true, force: true })
  }
}
