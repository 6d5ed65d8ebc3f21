/** What is mounted, as the kernel tells it. */
import { readFile } from 'node:fs/promises'

/** A file system, as /proc/self/mountinfo has it. */
export interface NodeMount {
  readonly target: string
  readonly options: readonly string[]
  readonly type: string
}

const pathOf = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** Reads the text of /proc/self/mountinfo, in the order in which things were mounted. proc(5). */
export const parseMounts = (text: string): readonly NodeMount[] =>
  text.split('\n').flatMap((line) => {
    const [, , , , target, options, ...rest] = line.split(' ')
    if (target === undefined || options === undefined) return []
    return [{ target: pathOf(target), options: options.split(','), type: rest[rest.indexOf('-') + 1] ?? '' }]
  })

/** What this process sees. */
export const readMounts = async (): Promise<readonly NodeMount[]> =>
  parseMounts(await readFile('/proc/self/mountinfo', 'utf8'))
