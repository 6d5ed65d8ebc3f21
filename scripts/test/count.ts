/** What a TAP report says: how many assertions passed, failed or were skipped, and the words of those that failed. */

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const nothingCounted: Counts = { passed: 0, failed: 0, skipped: 0 }

export const addCounts = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
})

export const countsText = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`

const depthOf = (line: string): number => line.length - line.trimStart().length

/** A line that says something about what came before it: only these tell a subtest's end from an assertion. */
const isSignificant = (line: string): boolean => /^\s*(not ok|ok|1\.\.|# time=|}|Bail)/.test(line)

export interface Report {
  readonly counts: Counts
  /** Why tests were skipped. */
  readonly reasons: readonly string[]
}

/** Counts assertions: the innermost lines, not the subtests that hold them. */
export const countTap = (tap: string): Report => {
  let counts = nothingCounted
  const reasons: string[] = []
  let before: string | undefined
  for (const line of tap.split('\n')) {
    const [found, not, rest = ''] = /^\s*(not )?ok \d+(.*)$/.exec(line) ?? []
    if (found !== undefined) {
      // A line that closes a subtest follows its plan, one level deeper.
      const closesSubtest = before !== undefined && depthOf(before) > depthOf(line) && !before.trim().startsWith('}')
      const skip = /# SKIP\s*(.*)$/i.exec(rest)
      if (skip) {
        counts = addCounts(counts, { ...nothingCounted, skipped: 1 })
        // What has no reason behind the word says it before.
        reasons.push(
          skip[1] ||
            rest
              .slice(0, skip.index)
              .replace(/^\s*-\s*/, '')
              .trim(),
        )
      } else if (!closesSubtest) {
        counts = addCounts(counts, { ...nothingCounted, [not ? 'failed' : 'passed']: 1 })
      }
    }
    if (isSignificant(line)) before = line
  }
  return { counts, reasons }
}

const linesOfFailure = 40

/** What failed, with what the test says about it. */
export const failuresIn = (tap: string): string => {
  const lines = tap.split('\n')
  return lines
    .flatMap((line, at) => {
      if (!/^\s*not ok/.test(line)) return []
      const end = lines.findIndex((each, n) => n > at && each.trim() === '...')
      return lines.slice(at, end < 0 ? at + 1 : Math.min(end, at + linesOfFailure))
    })
    .join('\n')
}
