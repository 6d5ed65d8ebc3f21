/** Runs one test file as a process of its own, and reads its report. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Counts, countTap, failuresIn } from './count.ts'
import type { TestFile } from './files.ts'

export interface Outcome {
  readonly file: string
  readonly seconds: number
  readonly counts: Counts
  readonly reasons: readonly string[]
  /** Empty when all is well. */
  readonly trouble: string
}

/** How long a file may take when none of its tests says more. */
const fileSeconds = 600
const longFileSeconds = 1_800
const linesOfError = 30

/** What one test has compiled, the next hundreds load: a third of the time of a short one. */
const compiled = join(import.meta.dirname, '../../node_modules/.cache/compiled')

const lastLines = (output: string): string => output.trimEnd().split('\n').slice(-linesOfError).join('\n')

/** What is wrong with a run, for people; empty when nothing is. */
const troubleOf = (code: number | null, signal: string | null, tap: string, errors: string, counts: Counts): string => {
  const said = failuresIn(tap)
  if (code !== 0 || signal !== null || counts.failed > 0)
    return [said || `ended with ${signal ?? `exit code ${code}`}, and no failed assertion`, lastLines(errors)].join(
      '\n',
    )
  return counts.passed + counts.skipped === 0 ? 'no assertion was made' : ''
}

/** Runs it to its end; `signal` ends it, with all that it started. */
export const runFile = async ({ file, within, testSeconds }: TestFile, signal: AbortSignal): Promise<Outcome> => {
  const started = performance.now()
  const [program = '', ...args] = [...within, process.execPath, '--disable-warning=ExperimentalWarning', file]
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TAP_TIMEOUT: String(testSeconds), NODE_COMPILE_CACHE: compiled },
    // A process group of its own: nothing that a test starts outlives it.
    detached: true,
  })
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL')
  }
  signal.addEventListener('abort', end, { once: true })
  const limit = testSeconds > fileSeconds ? longFileSeconds : fileSeconds
  const timer = setTimeout(end, limit * 1_000)
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  const [code, killed] = (await once(child, 'exit')) as [number | null, string | null]
  clearTimeout(timer)
  signal.removeEventListener('abort', end)
  const [tap, errors] = await output
  const { counts, reasons } = countTap(tap)
  const trouble = troubleOf(code, killed, tap, errors, counts)
  return {
    ...{ file, reasons, trouble, seconds: (performance.now() - started) / 1_000 },
    counts: trouble !== '' && counts.failed === 0 ? { ...counts, failed: 1 } : counts,
  }
}
