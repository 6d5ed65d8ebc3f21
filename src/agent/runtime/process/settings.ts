/** The node's /etc as pods see it: copies, since a file that is private today may have been made after the pod. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../../api/clock.ts'
import { runBounded } from '../../../host/bounded.ts'
import { toolEnv } from '../shared/begin.ts'

export interface SettingsOptions {
  /** Where copies are kept, and nothing else. */
  readonly folder: string
  /** What pods have mounted, in any text that names it. */
  readonly mounted: () => Promise<string>
  readonly clock: Clock
}

/** A pod that starts later gets a new copy. */
const freshMs = 300_000
const timeoutMs = 60_000
const maxOutputBytes = 4096
const script = fileURLToPath(new URL('./settings.sh', import.meta.url))

/** The folder of a copy that is no older than some minutes. Copies that no pod has mounted go with the next one. */
export const createSettings = ({ folder, mounted, clock }: SettingsOptions): (() => Promise<string>) => {
  let current: { readonly copy: Promise<string>; readonly madeAt: number } | undefined

  const dropOthers = async (kept: string): Promise<void> => {
    const text = await mounted()
    for (const name of await readdir(folder))
      if (join(folder, name) !== kept && !text.includes(join(folder, name)))
        await rm(join(folder, name), { recursive: true, force: true })
  }

  const make = async (): Promise<string> => {
    await mkdir(folder, { recursive: true, mode: 0o755 })
    const copy = join(folder, `${clock.now()}-${process.pid}`)
    const { exitCode, output } = await runBounded('sh', [script, copy], { timeoutMs, maxOutputBytes, env: toolEnv() })
    if (exitCode !== 0) throw new Error(`cannot copy /etc for pods to ${copy}: ${output.trim() || 'no time left'}`)
    await dropOthers(copy)
    return copy
  }

  return () => {
    if (!current || clock.now() - current.madeAt > freshMs) {
      const copy = make()
      current = { copy, madeAt: clock.now() }
      copy.catch(() => {
        current = undefined
      })
    }
    return current.copy
  }
}
