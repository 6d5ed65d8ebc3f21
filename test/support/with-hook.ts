/** Runs a test file once more with a module loaded into it and into all of its threads. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/** Calls `tests` where the hook (beside this file) is loaded; elsewhere starts the file again with it. */
export const withHook = async (hook: string, file: string, tests: () => void): Promise<void> => {
  t.setTimeout(120_000)
  if (process.execArgv.some((each) => each.endsWith(hook))) return tests()
  const words = ['--import', new URL(hook, import.meta.url).href, fileURLToPath(file)]
  const child = spawn(process.execPath, [...process.execArgv, ...words], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  process.exitCode = typeof code === 'number' ? code : 1
}
