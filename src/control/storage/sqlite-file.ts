/** The store's file before SQLite sees it: of an empty one SQLite would make a new store, and skip a log that is none. */
import { accessSync, closeSync, constants, lstatSync, openSync, readSync, statSync } from 'node:fs'
import { DamagedFile } from '../../host/durable-file.ts'

const databaseMagic = Buffer.from('SQLite format 3\0', 'latin1')
/** The first bytes of a write-ahead log; the last bit tells the byte order of its checksums. */
const logMagics = [Buffer.from('377f0682', 'hex'), Buffer.from('377f0683', 'hex')]

export const logOf = (file: string): string => `${file}-wal`

/** Everything of the cluster is in it: nobody but its operator may decide to go on without. */
export const storeCure = (file: string): string =>
  `restore it from a backup (copy ${logOf(file)} with it, or take it while the control plane is stopped); to begin with an empty store, remove ${file} and what starts with ${file}-`

const readHead = (file: string, length: number): Buffer => {
  const descriptor = openSync(file, 'r')
  try {
    const head = Buffer.alloc(length)
    return head.subarray(0, readSync(descriptor, head, 0, length, 0))
  } finally {
    closeSync(descriptor)
  }
}

/** What is wrong with a file that should begin with one of these words; undefined: nothing. */
const faultOf = (file: string, magics: readonly Buffer[], mayBeEmpty: boolean, what: string): string | undefined => {
  try {
    const found = statSync(file)
    if (found.isDirectory()) return 'is a folder'
    if (found.size === 0) return mayBeEmpty ? undefined : 'is empty'
    accessSync(file, constants.R_OK | constants.W_OK)
    const head = readHead(file, magics[0]?.length ?? 0)
    return magics.some((magic) => magic.equals(head)) ? undefined : `is no ${what}`
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return `cannot be read and written (${code ?? message})`
  }
}

/** What cannot even be looked at is there, and damaged. */
const isThere = (file: string): boolean => {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}

/** Throws `DamagedFile` unless the store is sound as far as can be seen from outside, or there is none. */
export const checkStoreFile = (file: string): void => {
  const log = logOf(file)
  const refuse = (which: string, why: string | undefined): void => {
    if (why !== undefined) throw new DamagedFile(which, why, storeCure(file))
  }
  const hasStore = isThere(file)
  const hasLog = isThere(log)
  if (!hasStore && hasLog) refuse(file, `is gone, while its log ${log} is there`)
  if (hasStore) refuse(file, faultOf(file, [databaseMagic], false, 'SQLite file'))
  if (hasLog) refuse(log, faultOf(log, logMagics, true, 'write-ahead log of SQLite'))
}
