/** Kernel parameters. Those under `net.` belong to the network namespace of the calling process. */
import { readFile, writeFile } from 'node:fs/promises'

const keyPattern = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i

/** Throws a RangeError for what is no key: it would be a path to somewhere else. */
const fileOf = (key: string): string => {
  if (!keyPattern.test(key)) throw new RangeError(`${JSON.stringify(key)} is not a kernel parameter`)
  return `/proc/sys/${key.replaceAll('.', '/')}`
}

/** The value as text, or undefined when this kernel has no such parameter. */
export const readSysctl = async (key: string): Promise<string | undefined> => {
  try {
    return (await readFile(fileOf(key), 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes only when the value differs. Throws with the parameter's name when the kernel refuses or lacks it. */
export const writeSysctl = async (key: string, value: string): Promise<void> => {
  const current = await readSysctl(key)
  if (current === value) return
  if (current === undefined) throw new Error(`this kernel has no parameter ${key} (is a module missing?)`)
  try {
    await writeFile(fileOf(key), value)
  } catch (error) {
    throw new Error(`cannot set ${key} to ${value}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
