/** Files that are either the old or the new version, whatever happens in between. */
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes `file` so that a crash at any moment leaves the old or the new content, durably once this resolves. `temporary`: on the same
 * disk; to be given where others may write the same file at the same time.
 */
export const writeFileAtomic = async (
  file: string,
  content: string | Uint8Array,
  mode = 0o600,
  temporary = `${file}.${process.pid}.tmp`,
): Promise<void> => {
  try {
    const handle = await open(temporary, 'w', mode)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const folder = await open(dirname(file), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
