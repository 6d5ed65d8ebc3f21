/** Which test files there are, how each is run, and in which order. */
import { globSync, readFileSync } from 'node:fs'

export interface TestFile {
  readonly file: string
  /** Words before the program: kernel tests run in namespaces of their own. */
  readonly within: readonly string[]
  /** How long one test of the file may take, unless it says otherwise itself. */
  readonly testSeconds: number
}

interface Group {
  readonly files: string
  readonly within?: readonly string[]
  readonly testSeconds: number
}

const universe: readonly string[] = ['sh', 'scripts/universe.sh']

const longSeconds = 1_500

/** The first pattern that fits a file counts. */
const groups: readonly Group[] = [
  { files: 'test/integration/ingress-*.test.ts', testSeconds: 120 },
  { files: 'test/integration/**/*.test.ts', within: universe, testSeconds: 300 },
  { files: 'test/conformance/**/*.test.ts', within: universe, testSeconds: 300 },
  { files: 'test/unit/**/*.test.ts', testSeconds: 60 },
  { files: 'test/long/**/*.test.ts', within: universe, testSeconds: longSeconds },
]

/** Kills and fuzzing that every run does a little of, and those files that nobody runs every day. */
const isLong = (file: string): boolean =>
  file.startsWith('test/long/') || readFileSync(file, 'utf8').includes("support/rounds.ts'")

const isEveryday = (file: string): boolean => !file.startsWith('test/long/')

/** Labs take longest, then what needs the kernel. */
const weightOf = ({ file, within }: TestFile): number =>
  within.length === 0 ? 0 : /lab|security|bench|kubectl|up\.test/.test(file) ? 2 : 1

/** The files of a set that `parts` name (all when there are none), those that take longest first. */
export const testFiles = (set: 'everyday' | 'long', parts: readonly string[]): readonly TestFile[] => {
  const isInSet = set === 'long' ? isLong : isEveryday
  const found = new Map<string, TestFile>()
  for (const { files, within = [], testSeconds } of groups)
    for (const file of globSync(files).sort())
      if (!found.has(file)) found.set(file, { file, within, testSeconds: set === 'long' ? longSeconds : testSeconds })
  return [...found.values()]
    .filter(({ file }) => isInSet(file) && (parts.length === 0 || parts.some((part) => file.includes(part))))
    .sort((a, b) => weightOf(b) - weightOf(a))
}
