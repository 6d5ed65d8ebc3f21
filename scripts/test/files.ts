/** Which test files there are, how each is run, and in which order. */
import { globSync } from 'node:fs'

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

/** The first pattern that fits a file counts. Kernel tests come first: they take longest. */
const everyday: readonly Group[] = [
  { files: 'test/integration/ingress-*.test.ts', testSeconds: 120 },
  { files: 'test/integration/**/*.test.ts', within: universe, testSeconds: 300 },
  { files: 'test/conformance/**/*.test.ts', within: universe, testSeconds: 300 },
  { files: 'test/unit/**/*.test.ts', testSeconds: 60 },
]

/** Kills, soaks and long fuzzing. */
const long: readonly Group[] = [{ files: 'test/long/**/*.test.ts', within: universe, testSeconds: 1_500 }]

/** Labs take longest of all. */
const weightOf = ({ file, within }: TestFile): number => (within.length === 0 ? 0 : /lab|security/.test(file) ? 2 : 1)

/** The files of a set that `parts` name (all when there are none), those that take longest first. */
export const testFiles = (set: 'everyday' | 'long', parts: readonly string[]): readonly TestFile[] => {
  const found = new Map<string, TestFile>()
  for (const { files, within = [], testSeconds } of set === 'long' ? long : everyday)
    for (const file of globSync(files).sort()) if (!found.has(file)) found.set(file, { file, within, testSeconds })
  return [...found.values()]
    .filter(({ file }) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .sort((a, b) => weightOf(b) - weightOf(a))
}
