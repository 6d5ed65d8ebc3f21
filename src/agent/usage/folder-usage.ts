/**
 * What the files below folders take on their disk, as du(1) tells: they have no quota that would. Pods write there, so it is a
 * program that gives way to all others, and that no depth, name or number of files leads astray.
 */
import { CommandError, type CommandRunner } from '../../host/command.ts'

/** `inodes`: files and folders. */
export type FolderMeasure = 'bytes' | 'inodes'

const options = { bytes: ['-0skx'], inodes: ['-0sx', '--inodes'] } as const
const unitBytes = { bytes: 1024, inodes: 1 } as const

/** Files that go while it looks make it fail, and what it has told is true all the same. */
const told = async (runner: Pick<CommandRunner, 'run'>, args: readonly string[]): Promise<string> => {
  try {
    return await runner.run('nice', ['-n', '19', 'du', ...args])
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === 1) return error.stdout
    throw error
  }
}

/**
 * By folder; one that is not there takes nothing. Links are not followed, and other filesystems below not entered. Rejects
 * when that takes too long.
 */
export const measureFolders = async (
  runner: Pick<CommandRunner, 'run'>,
  folders: readonly string[],
  measure: FolderMeasure,
): Promise<ReadonlyMap<string, number>> => {
  if (folders.length === 0) return new Map()
  const lines = (await told(runner, [...options[measure], '--', ...folders])).split('\0')
  const found = new Map(
    lines.flatMap((line) => {
      const [, count, folder = ''] = /^(\d+)\t(.*)$/s.exec(line) ?? []
      return count === undefined ? [] : [[folder, Number(count) * unitBytes[measure]] as const]
    }),
  )
  return new Map(folders.map((folder) => [folder, found.get(folder) ?? 0]))
}
