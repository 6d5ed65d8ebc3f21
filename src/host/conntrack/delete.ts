/** Deletes entries of the kernel's table of connections, by the program `conntrack`. */
import type { IpFamily } from '../../ip/address.ts'
import { CommandError, type CommandRunner } from '../command.ts'

/** How many entries the program says it has deleted. */
const deletedPattern = /\b(\d+) flow entries have been deleted/

export const familyWords = (family: IpFamily): readonly string[] => ['-f', family === 'IPv4' ? 'ipv4' : 'ipv6']

/** All entries that `args` describe; resolves to how many there were. */
export const deleteEntries = async (runner: CommandRunner, args: readonly string[]): Promise<number> => {
  try {
    const deleted = await runner.run('conntrack', ['-D', ...args])
    return deleted.split('\n').filter((line) => line.includes('src=')).length
  } catch (error) {
    // It says so with exit code 1 when there is none (any more).
    if (error instanceof CommandError && deletedPattern.exec(error.stderr)?.[1] === '0') return 0
    throw error
  }
}
