/**
 * Rotation without asking the writer, and without losing a byte: the old part of a log is copied away, then punched out
 * of the live file as a hole. The file seems to grow for ever but only its new part takes space.
 *
 * Where a filesystem cannot punch holes, a log grows on to the size all its parts would have had; then its tail is copied
 * and the file cut to nothing. What is written between these two steps is lost, which is why it is done so late.
 */
import { createReadStream, createWriteStream, truncateSync } from 'node:fs'
import { access, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { type CommandRunner, isCommandMissing } from '../../host/command.ts'
import { appendBase, trimIndex } from './log-index.ts'
import { type Extent, extentOf, movingFile, partFile, readAt } from './segments.ts'

export interface RotationLimits {
  /** A live part longer than this is rotated. */
  readonly maxBytes: number
  /** How many rotated parts are kept. */
  readonly keep: number
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

const lookBack = 64 * 1024
const newline = 10

/** Behind the last complete line, if there is one in the last few kilobytes. */
const cutOf = async (log: string, extent: Extent): Promise<number> => {
  const from = Math.max(extent.head, extent.end - lookBack)
  const tail = await readAt(log, extent, from, extent.end - from)
  const at = tail?.lastIndexOf(newline) ?? -1
  return at < 0 ? extent.end : from + at + 1
}

/** The new part appears under its name only when it is complete. */
const copyAway = async (log: string, base: number, start: number, end: number): Promise<void> => {
  const temporary = `${log}.part`
  await pipeline(
    createReadStream(log, { start: start - base, end: end - base - 1 }),
    createWriteStream(temporary, { mode: 0o640 }),
  )
  await rename(temporary, partFile(log, start, end))
}

const dropOldParts = async (log: string, keep: number): Promise<void> => {
  const { parts } = await extentOf(log)
  for (const { file } of parts.slice(0, Math.max(0, parts.length - keep))) await rm(file, { force: true })
  await trimIndex(log, parts.at(-keep)?.start ?? 0)
}

/** `rotated`, or `unpunched` when the filesystem would have none of it (nothing has changed then). */
export type Rotation = 'rotated' | 'unpunched'

/** Moves the complete lines of the live part away. The hole begins at the very front, which heals an interrupted try. */
export const rotate = async (runner: CommandRunner, log: string, { keep }: RotationLimits): Promise<Rotation> => {
  const extent = await extentOf(log)
  const cut = await cutOf(log, extent)
  if (cut <= extent.head) return 'rotated'
  await copyAway(log, extent.base, extent.head, cut)
  try {
    await runner.run('fallocate', ['--punch-hole', '--offset', '0', '--length', String(cut - extent.base), log])
  } catch (error) {
    await rm(partFile(log, extent.head, cut), { force: true })
    if (!isUnsupported(error)) throw error
    return 'unpunched'
  }
  await dropOldParts(log, keep)
  return 'rotated'
}

const isUnsupported = (error: unknown): boolean =>
  isCommandMissing(error) || (error instanceof Error && /not supported|not implemented/i.test(error.message))

/** What a log may grow to where holes cannot be punched. */
export const hardLimit = ({ maxBytes, keep }: RotationLimits): number => maxBytes * (keep + 1)

/** Copies the last `maxBytes` away and cuts the live file to nothing; its writer appends, so it goes on at the front. */
export const cutOff = async (log: string, { maxBytes, keep }: RotationLimits): Promise<void> => {
  const { base, head, end } = await extentOf(log)
  await copyAway(log, base, Math.max(head, end - maxBytes), end)
  // Nobody may look between the two.
  appendBase(log, end)
  truncateSync(log)
  await dropOldParts(log, keep)
}

/**
 * Renames what a container runtime has written, has it begin a new file, and gives the old one its name once it has its last
 * byte. Whatever was left half done is gone on with.
 */
export const rotateCri = async (log: string, keep: number, reopen: () => Promise<void>): Promise<void> => {
  const moving = movingFile(log)
  if (!(await exists(moving))) await rename(log, moving)
  try {
    await reopen()
  } catch (error) {
    // The runtime writes on, under a name that nobody takes for the live one.
    if (!(await exists(log))) await rename(moving, log)
    throw error
  }
  const last = (await extentOf(log, 'cri')).parts.at(-1)
  if (last) await rename(moving, partFile(log, last.start, last.end))
  const { parts } = await extentOf(log, 'cri')
  for (const { file } of parts.slice(0, Math.max(0, parts.length - keep))) await rm(file, { force: true })
}
