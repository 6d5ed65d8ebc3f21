/** One run of Stryker over a room. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MutatedRoom } from './rooms.ts'

export interface Mutant {
  readonly file: string
  readonly line: number
  readonly replacement: string
  readonly isNoticed: boolean
}

/** What is read of Stryker's report (mutation-testing-report-schema). */
interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly ReportedMutant[] }>>
}

interface ReportedMutant {
  readonly status: string
  readonly replacement?: string
  readonly location: { readonly start: { readonly line: number } }
}

/** What a changed source does not do within this time, it does not do: everything is played, and takes milliseconds. */
const patienceMs = '4000'

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

const settingsOf = ({ sources, tests }: MutatedRoom, concurrency: number, report: string) => ({
  mutate: sources,
  plugins: ['./scripts/mutants/one-process.ts', './scripts/mutants/ignore-messages.ts'],
  ignorers: ['messages'],
  testRunner: 'one-process',
  testRunnerNodeArgs: ['--disable-warning=ExperimentalWarning'],
  testFilePatterns: tests,
  warnings: { unknownOptions: false },
  coverageAnalysis: 'perTest',
  concurrency,
  timeoutMS: 2_000,
  // The tree's types are stripped, not checked.
  disableTypeChecks: false,
  ignorePatterns: leftBehind,
  reporters: ['progress-append-only', 'json'],
  jsonReporter: { fileName: report },
  allowConsoleColors: false,
})

const readReport = (file: string): readonly Mutant[] => {
  const { files }: Report = JSON.parse(readFileSync(file, 'utf8'))
  return Object.entries(files).flatMap(([name, { mutants }]) =>
    mutants
      .filter(({ status }) => noticed.includes(status) || unnoticed.includes(status))
      .map(({ status, replacement = '', location }) => ({
        ...{ file: name, line: location.start.line, replacement },
        isNoticed: noticed.includes(status),
      })),
  )
}

/** All mutants that compile, with the verdict of the room's tests. */
export const runRoom = async (room: MutatedRoom, concurrency: number): Promise<readonly Mutant[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-mutants-'))
  try {
    const [settings, report] = [join(folder, 'stryker.config.json'), join(folder, 'report.json')]
    writeFileSync(settings, JSON.stringify(settingsOf(room, concurrency, report)))
    // A mutant costs little more than the start of a test file: compiled code is kept from one start to the next.
    const env = {
      ...process.env,
      NODE_COMPILE_CACHE: join(folder, 'compiled'),
      PODWAY_TEST_PATIENCE_MS: patienceMs,
      ...(room.isSlow ? { PODWAY_TEST_SHORT: '1' } : {}),
    }
    const [code] = await once(spawn('stryker', ['run', settings], { stdio: 'inherit', env }), 'exit')
    if (code !== 0) throw new Error('Stryker failed; its message is above')
    return readReport(report)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
