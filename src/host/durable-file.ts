/**
 * Reading files that were written to outlive us, and that anybody may have damaged since: a full disk, a copy that was cut
 * off, an editor, a folder in their place. What is damaged is never taken for missing. Two policies: what a cluster is known
 * by is refused, with the file and the cure; what can be made again is set aside, with a warning.
 */
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export type DurableRead<T> =
  | { readonly state: 'read'; readonly value: T }
  | { readonly state: 'missing' }
  | { readonly state: 'damaged'; readonly why: string }

/** A file that must not be replaced by a new one. The message names it, what is wrong, and the cure. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile'
  readonly file: string

  constructor(file: string, why: string, cure: string) {
    super(`${file} ${why}: ${cure}`)
    this.file = file
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** ENOTDIR: what should hold the folder is a file, so there is no such file either, but not because nobody wrote it. */
const whyUnreadable = (error: unknown): string => {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EISDIR' ? 'is a folder' : `cannot be read (${code ?? messageOf(error)})`
}

/** Reads `file`; `parse` throws for what it did not write. An empty file is damaged. Never rejects. */
export const readDurableBytes = async <T>(file: string, parse: (bytes: Buffer) => T): Promise<DurableRead<T>> => {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { state: 'missing' }
    return { state: 'damaged', why: whyUnreadable(error) }
  }
  if (bytes.toString('utf8').trim() === '') return { state: 'damaged', why: 'is empty' }
  try {
    return { state: 'read', value: parse(bytes) }
  } catch (error) {
    return { state: 'damaged', why: `is damaged (${messageOf(error)})` }
  }
}

/** As `readDurableBytes`, of text. */
export const readDurable = <T>(file: string, parse: (text: string) => T): Promise<DurableRead<T>> =>
  readDurableBytes(file, (bytes) => parse(bytes.toString('utf8')))

/** A parser of JSON that has passed `isValid`; `what` the file should hold. */
export const jsonOf =
  <T>(what: string, isValid: (value: unknown) => value is T) =>
  (text: string): T => {
    const value: unknown = JSON.parse(text)
    if (!isValid(value)) throw new Error(`it does not hold ${what}`)
    return value
  }

/** The file's content; undefined when there is none. Throws `DamagedFile` with the cure. */
export const readOrRefuse = async <T>(
  file: string,
  parse: (text: string) => T,
  cure: string,
): Promise<T | undefined> => {
  const found = await readDurable(file, parse)
  if (found.state === 'damaged') throw new DamagedFile(file, found.why, cure)
  return found.state === 'read' ? found.value : undefined
}

/** Whether a name is one that `setAside` gives. */
export const isSetAside = (name: string): boolean => /\.damaged-[0-9TZ]+$/.test(name)

/** Of each file so many damaged versions are kept. */
const keptDamaged = 3

const dropOldest = async (file: string): Promise<void> => {
  const prefix = `${basename(file)}.damaged-`
  const found = (await readdir(dirname(file))).filter((name) => name.startsWith(prefix)).sort()
  for (const name of found.slice(0, -keptDamaged)) await rm(join(dirname(file), name), { recursive: true, force: true })
}

/** Renames a file or folder out of the way, for whoever wants to look at it. Resolves to its new name. */
export const setAside = async (file: string, now = Date.now()): Promise<string> => {
  const aside = `${file}.damaged-${new Date(now).toISOString().replace(/[-:.]/g, '')}`
  await rename(file, aside)
  await dropOldest(file)
  return aside
}

/** Sets a damaged file aside, and tells so in one sentence. Never rejects: whoever writes the file next hears why it cannot be. */
export const reportDamage = async (file: string, why: string, onDamage: (message: string) => void): Promise<void> => {
  try {
    onDamage(`${file} ${why}: set aside as ${basename(await setAside(file))}`)
  } catch (error) {
    // Another part of the program was faster, and has told.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    onDamage(`${file} ${why}, and cannot be set aside: ${messageOf(error)}`)
  }
}

/** The file's content; undefined when there is none, and for a damaged one, which is set aside. */
export const readOrSetAside = async <T>(
  file: string,
  parse: (text: string) => T,
  onDamage: (message: string) => void,
): Promise<T | undefined> => {
  const found = await readDurable(file, parse)
  if (found.state === 'damaged') await reportDamage(file, found.why, onDamage)
  return found.state === 'read' ? found.value : undefined
}
