/** Types, lint, then all tests (or the files named as arguments), and one closing line with the true counts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const run = async (file: string, args: readonly string[]): Promise<boolean> => {
  const child = spawn(file, args, { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  return code === 0
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** Counts assertions in a TAP file: the innermost lines, not the subtests that hold them. */
const count = (tap: string): Counts & { reasons: string[] } => {
  const result = { passed: 0, failed: 0, skipped: 0, reasons: [] as string[] }
  const lines = tap.split('\n')
  const depthOf = (line: string): number => line.length - line.trimStart().length
  for (const [at, line] of lines.entries()) {
    const found = /^\s*(not )?ok \d+(.*)$/.exec(line)
    if (!found) continue
    // A line that closes a subtest follows its plan, one level deeper.
    const before = lines.slice(0, at).findLast((earlier) => /^\s*(not ok|ok|1\.\.|# time=|}|Bail)/.test(earlier))
    const closesSubtest = before !== undefined && depthOf(before) > depthOf(line) && !before.trim().startsWith('}')
    const skip = /# SKIP\s*(.*)$/i.exec(found[2] ?? '')
    if (skip) {
      result.skipped++
      result.reasons.push(skip[1] ?? '')
    } else if (closesSubtest) continue
    else if (found[1]) result.failed++
    else result.passed++
  }
  return result
}

/** What failed, with what the test says about it: for those who read a file instead of a terminal. */
const failures = (tap: string): string => {
  const lines = tap.split('\n')
  return lines
    .flatMap((line, at) => {
      if (!/^\s*not ok/.test(line)) return []
      const end = lines.findIndex((each, n) => n > at && each.trim() === '...')
      return lines.slice(at, end < 0 ? at + 1 : Math.min(end, at + 40))
    })
    .join('\n')
}

const sockets = 'test/integration/ingress-*.test.ts'

const groups = [
  { name: 'unit', files: 'test/unit/**/*.test.ts', within: [], jobs: '2', timeout: '60' },
  { name: 'conformance', files: 'test/conformance/**/*.test.ts', within: [], jobs: '2', timeout: '120' },
  // These need nothing but free ports: two at a time.
  { name: 'sockets', files: sockets, within: [], jobs: '2', timeout: '120' },
  {
    name: 'integration',
    files: 'test/integration/**/*.test.ts',
    within: ['sh', 'scripts/universe.sh'],
    jobs: '1',
    timeout: '300',
  },
]

const chosen = process.argv.slice(2)
const totals: Counts = { passed: 0, failed: 0, skipped: 0 }
const reasons: string[] = []
const reports = mkdtempSync(join(tmpdir(), 'podway-test-'))
let ok = true

if (chosen.length === 0) {
  for (const [name, args] of [
    ['types', ['tsc', '--noEmit']],
    ['lint', ['biome', 'check', '--error-on-warnings', '.']],
  ] as const) {
    console.log(`== ${name}`)
    const passed = await run(args[0], args.slice(1))
    totals[passed ? 'passed' : 'failed']++
    ok &&= passed
  }
}

// tap builds its set of plugins on the first run, which two test processes must not do at once.
ok = (await run('tap', ['build'])) && ok

for (const { name, files, within, jobs, timeout } of groups) {
  const others = name === 'integration' ? new Set(globSync(sockets)) : new Set<string>()
  const all = globSync(files)
    .filter((file) => !others.has(file))
    .sort()
  const selected = chosen.length === 0 ? all : all.filter((file) => chosen.some((part) => file.includes(part)))
  if (selected.length === 0) continue
  console.log(`== ${name} (${selected.length} files)`)
  const report = join(reports, `${name}.tap`)
  const reporter = process.stdout.isTTY ? 'terse' : 'silent'
  const options = [`--jobs=${jobs}`, `--timeout=${timeout}`, `--output-file=${report}`, `--reporter=${reporter}`]
  const [file = 'tap', ...args] = [...within, 'tap', 'run', ...options, ...selected]
  ok = (await run(file, args)) && ok
  const text = readFileSync(report, 'utf8')
  const { reasons: skips, ...counts } = count(text)
  if (reporter === 'silent') console.log(failures(text))
  console.log(`   ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  for (const key of ['passed', 'failed', 'skipped'] as const) totals[key] += counts[key]
  reasons.push(...skips)
}
rmSync(reports, { recursive: true })

for (const reason of reasons) console.log(`skipped: ${reason}`)
const isRoot = process.getuid?.() === 0
if (isRoot && reasons.some((reason) => /\broot\b/.test(reason))) {
  console.log('a test that needs root was skipped although root is here')
  ok = false
}
if (!ok && totals.failed === 0) totals.failed = 1
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exitCode = ok && totals.failed === 0 ? 0 : 1
