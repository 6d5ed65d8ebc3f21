/** One process at a time has a store file: a lock that ends with the process, however it ends. */

import { DatabaseSync } from 'node:sqlite'
import { errorText } from '../../api/errors.ts'

export class StoreInUse extends Error {
  override readonly name = 'StoreInUse'

  constructor(file: string) {
    super(`${file} is in use by another process: a control plane runs on it`)
  }
}

/**
 * Takes the store `file` for this process; the result gives it back. Throws `StoreInUse`. The lock is SQLite's own, on an empty
 * file beside it, so that others may still read the store.
 */
export const lockStore = (file: string): (() => void) => {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(`${file}.lock`)
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
    const locked = database
    return () => locked.close()
  } catch (error) {
    database?.close()
    if (/database is locked/.test(String(error))) throw new StoreInUse(file)
    throw new Error(`cannot write ${file}.lock: ${errorText(error)}`)
  }
}
