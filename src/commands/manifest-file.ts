/** What people write objects into; `-` is standard input. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { errorText } from '../api/errors.ts'

/** The text of a file. Throws, naming it, when it cannot be read. */
export const readManifestFile = async (file: string): Promise<string> => {
  if (file === '-') return text(process.stdin)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`cannot read ${file}: ${errorText(error)}`, { cause: error })
  }
}
