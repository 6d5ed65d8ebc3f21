/** Removing folders in which others have made what they liked. */
import { rm } from 'node:fs/promises'
import { createCommandRunner } from './command.ts'

/**
 * Nothing of it is left, and nothing of it need be there; links are not followed. Folders that are deeper than a path can say are
 * for rm(1), which goes down step by step.
 */
export const removeTree = async (folder: string): Promise<void> => {
  try {
    await rm(folder, { recursive: true, force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw error
    await createCommandRunner().run('rm', ['-rf', '--one-file-system', '--', folder])
  }
}
