/** Deletes entries of the kernel's table of connections, by the program `conntrack`. */
import type { IpFamily } from '../../ip/address.ts'
import { CommandError, type CommandRunner } from '../command.ts'

/** The program stops at an entry that ends just before it would delete it; others may be left. */
const vanishedPattern = /such conntrack doesn't exist/

/** Times that it is asked to go on. */
const maxAttempts = 20

/** How many entries the program says it has deleted. */
const deletedPattern = /\b(\d+) flow entries have been deleted/

export const familyWords = (family: IpFamily): readonly string[] => ['-f', family === 'IPv4' ? 'ipv4' : 'ipv6']

/** All entries that `args` describe; resolves to how many the last call found. */
export const deleteEntries = async (runner: CommandRunner, args: readonly string[]): Promise<number> => {
  for (let attempt = 1; ; attempt++)
    try {
      const deleted = await runner.run('conntrack', ['-D', ...args])
      return deleted.split('\n').filter((line) => line.includes('src=')).length
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      // It says so with exit code 1 when there is none (any more).
      if (deletedPattern.exec(error.stderr)?.[1] === '0') return 0
      if (attempt === maxAttempts || !vanishedPattern.test(error.stderr)) throw error
    }
}
