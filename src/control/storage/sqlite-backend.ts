/** Objects in a SQLite file: a table of what is, written in place, so that the file does not grow with changes. */

import { chmodSync, existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { errorText } from '../../api/errors.ts'
import { DamagedFile } from '../../host/durable-file.ts'
import { type Backend, type Commit, type Kept, StorageFailure, type StoreKey } from './backend.ts'
import { createBatches } from './batches.ts'
import { checkStoreFile, logOf, storeCure } from './sqlite-file.ts'
import { storeSchema } from './sqlite-schema.ts'
import { lockStore } from './store-lock.ts'

const tablesOf = (database: DatabaseSync): readonly unknown[] =>
  database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .map(({ name }) => name)

/** Opens a database that is sound, and ours or new. Throws `DamagedFile`. */
const openSound = (file: string): DatabaseSync => {
  checkStoreFile(file)
  try {
    const database = new DatabaseSync(file)
    const tables = tablesOf(database)
    if (tables.length > 0 && !tables.includes('objects')) throw new Error('it is the database of another program')
    const [found] = database.prepare('PRAGMA quick_check(1)').all().map(Object.values)
    if (found?.[0] !== 'ok') throw new Error(String(found?.[0]))
    // Secrets are in it, and the folder may be open to others. Its log is made with the same rights.
    chmodSync(file, 0o600)
    database.exec(storeSchema)
    // A file from before it gave pages back is written anew, once.
    if (Object.values(database.prepare('PRAGMA auto_vacuum').get() ?? {})[0] !== 2) database.exec('VACUUM')
    return database
  } catch (error) {
    if (/locked|full|readonly/.test(errorText(error))) throw new Error(`cannot write ${file}: ${errorText(error)}`)
    throw new DamagedFile(file, `is damaged (${errorText(error)})`, storeCure(file))
  }
}

/**
 * Notes in the file itself that it is in use. One that was not closed and has no log has lost what was in it; a copy that was
 * taken of a running store looks the same, so this is only told.
 */
const beginLife = (
  database: DatabaseSync,
  file: string,
  hadLog: boolean,
  onDamage: (message: string) => void,
): void => {
  const { isOpen } = database.prepare('SELECT isOpen FROM life').get() as { isOpen: number }
  if (isOpen === 1 && !hadLog)
    onDamage(`${file} was not closed, and its log ${logOf(file)} is gone: the last writes before may be missing`)
  try {
    database.exec('UPDATE life SET isOpen = 1; PRAGMA wal_checkpoint(TRUNCATE);')
  } catch (error) {
    throw new Error(`cannot write ${file}: ${errorText(error)}`)
  }
}

const damagedObject = (file: string, { bucket, name }: StoreKey): DamagedFile =>
  new DamagedFile(
    file,
    `holds a damaged object, ${bucket} ${name}`,
    `${storeCure(file)}; to give up this one object (what it owns goes with it): sqlite3 ${file} "DELETE FROM objects WHERE bucket = '${bucket}' AND name = '${name}'"`,
  )

/** Free pages (4 KiB each) that the file keeps for what comes next, and how many of more it gives back with one write. */
const pagesKept = 1_024
const pagesGivenBack = 64

export interface SqliteOptions {
  /**
   * Goes on at this revision, or behind the file's own last one where that is later. With the time of the start in milliseconds
   * a store that was restored from a copy gives out no revision that an earlier life of it gave to another change (as long as
   * that wrote less than 1,000 times a second): clients that saw later changes than it has are told to list anew.
   */
  readonly resumeAt?: number
  readonly onDamage?: (message: string) => void
}

/** Nobody else has it until `unlock`. */
const openAlone = (file: string, onDamage: (message: string) => void) => {
  const unlock = lockStore(file)
  try {
    const hadLog = existsSync(logOf(file))
    const database = openSound(file)
    beginLife(database, file, hadLog, onDamage)
    return { database, unlock }
  } catch (error) {
    unlock()
    throw error
  }
}

/**
 * Opens or makes the file; throws `DamagedFile` for one that is not sound, `StoreInUse` for one that another process has. The commits of one turn are one transaction with one
 * fsync of the write-ahead log (`synchronous = FULL`).
 */
export const openSqliteBackend = (
  file: string,
  { resumeAt, onDamage = () => undefined }: SqliteOptions = {},
): Backend => {
  const { database, unlock } = openAlone(file, onDamage)
  const put = database.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)')
  const remove = database.prepare('DELETE FROM objects WHERE bucket = ? AND name = ?')
  const revisionAt = database.prepare('SELECT revision FROM objects WHERE bucket = ? AND name = ?')
  const advance = database.prepare('UPDATE state SET revision = ? WHERE id = 1')
  const countFree = database.prepare('PRAGMA freelist_count')
  const { revision: found } = database.prepare('SELECT revision FROM state').get() as { revision: number }

  const writeCommit = ({ revision, changes }: Commit): void => {
    for (const { key, value } of changes)
      if (value === undefined) remove.run(key.bucket, key.name)
      else put.run(key.bucket, key.name, revision, value)
  }

  const batches = createBatches(
    {
      revisionOf: (key) => (revisionAt.get(key.bucket, key.name) as { revision: number } | undefined)?.revision ?? 0,
      write: (commits) => {
        database.exec('BEGIN IMMEDIATE')
        try {
          for (const commit of commits) writeCommit(commit)
          advance.run(commits.at(-1)?.revision ?? found)
          giveBack()
          database.exec('COMMIT')
        } catch (error) {
          if (database.isTransaction) database.exec('ROLLBACK')
          throw new StorageFailure(`cannot write ${file}: ${errorText(error)}`, 'not made', error)
        }
      },
    },
    resumeAt === undefined ? found : Math.max(found + 1, resumeAt),
  )

  /** What a mass deletion left goes in small steps. */
  const giveBack = (): void => {
    const { freelist_count: free } = countFree.get() as { freelist_count: number }
    if (free > pagesKept) database.exec(`PRAGMA incremental_vacuum(${pagesGivenBack})`)
  }

  return {
    load: async () => {
      const rows = database
        .prepare('SELECT bucket, name, revision, object, json_valid(object) AS sound FROM objects')
        .all() as {
        bucket: string
        name: string
        revision: number
        object: string
        sound: 0 | 1
      }[]
      const unsound = rows.find(({ sound }) => sound === 0)
      if (unsound) throw damagedObject(file, unsound)
      return {
        revision: batches.revision,
        kept: rows.map(
          ({ bucket, name, revision, object }): Kept => ({ key: { bucket, name }, revision, value: object }),
        ),
      }
    },
    commit: batches.commit,
    follow: batches.follow,
    latest: async () => batches.revision,
    scrub: async () => {
      batches.flush()
      database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE);')
    },
    close: async () => {
      batches.flush()
      database.exec('UPDATE life SET isOpen = 0')
      database.close()
      unlock()
    },
  }
}
