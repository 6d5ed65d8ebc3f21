/** Folders in folders, deeper than a path can say. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** `count` of them, each with a name of 200 bytes, in one that is gone again when the test ends. */
export const makeDeepFolders = (t: Test, count: number): string => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  t.teardown(() => execFileSync('rm', ['-rf', '--', folder]))
  const script = `n=0; while [ $n -lt ${count} ]; do d=$(printf %0200d $n); mkdir $d && cd -P $d || exit 1; n=$((n+1)); done`
  execFileSync('bash', ['-c', script], { cwd: folder })
  return folder
}
