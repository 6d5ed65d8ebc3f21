/** Secrets come from a file or standard input: a command line is everybody's to read (`ps`). */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { UsageError } from './usage-error.ts'

/**
 * The text of `--token-file`; `-` is standard input. Undefined when none is named, or when there is no such file and
 * `mayBeMissing`.
 */
export const readTokenFile = async (file: string | undefined, mayBeMissing: boolean): Promise<string | undefined> => {
  if (file === undefined) return undefined
  if (file === '-') return text(process.stdin)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && mayBeMissing) return undefined
    throw new UsageError(`--token-file ${file}: cannot be read (${code})`)
  }
}
