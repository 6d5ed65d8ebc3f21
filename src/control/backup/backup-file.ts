/** A backup: one SQLite file with all objects of one moment and the keys of the cluster. Restored into either kind of store. */

import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { errorText } from '../../api/errors.ts'
import { isSharedKeys, type SharedKeys } from '../auth/shared-keys.ts'
import type { Kept } from '../storage/backend.ts'

export interface Backup {
  /** RFC 3339. */
  readonly takenAt: string
  readonly revision: number
  readonly kept: readonly Kept[]
  readonly keys: SharedKeys
}

/** Another number: another program reads it. */
const format = 1

const schema = `
  PRAGMA user_version = ${format};
  PRAGMA application_id = 0x706f6477;
  CREATE TABLE backup (takenAt TEXT NOT NULL, revision INTEGER NOT NULL);
  CREATE TABLE objects (
    bucket TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, object TEXT NOT NULL, PRIMARY KEY (bucket, name)
  ) WITHOUT ROWID;
  CREATE TABLE keys (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
`

const withFile = <T>(file: string, flags: string, use: (descriptor: number) => T): T => {
  const descriptor = openSync(file, flags, 0o600)
  try {
    return use(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Writes `file` for its owner alone: it is whole, or it is not there. Throws with what is in the way. */
export const writeBackup = (file: string, { takenAt, revision, kept, keys }: Backup): void => {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    withFile(temporary, 'wx', () => undefined)
    const database = new DatabaseSync(temporary)
    try {
      database.exec(`${schema} BEGIN`)
      database.prepare('INSERT INTO backup VALUES (?, ?)').run(takenAt, revision)
      const put = database.prepare('INSERT INTO objects VALUES (?, ?, ?, ?)')
      for (const each of kept) put.run(each.key.bucket, each.key.name, each.revision, each.value)
      const putKey = database.prepare('INSERT INTO keys VALUES (?, ?)')
      for (const [name, content] of Object.entries(keys)) putKey.run(name, content)
      database.exec('COMMIT')
    } finally {
      database.close()
    }
    withFile(temporary, 'r+', fsyncSync)
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    rmSync(`${temporary}-journal`, { force: true })
    throw new Error(`cannot write ${file}: ${errorText(error)}`)
  }
}

const magic = 'SQLite format 3\0'

const isDatabase = (file: string): boolean =>
  withFile(file, 'r', (descriptor) => {
    const head = Buffer.alloc(magic.length)
    return readSync(descriptor, head, 0, head.length, 0) === head.length && head.toString('latin1') === magic
  })

const pragmaOf = (database: DatabaseSync, pragma: string): unknown =>
  Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]

const readAll = (database: DatabaseSync): Backup => {
  if (pragmaOf(database, 'application_id') !== 0x706f6477) throw new Error('it is the database of another program')
  const found = pragmaOf(database, 'user_version')
  if (found !== format)
    throw new Error(`it has format ${String(found)}, and this version of podway reads format ${format}`)
  if (pragmaOf(database, 'quick_check(1)') !== 'ok') throw new Error('it is damaged')
  const { takenAt, revision } = database.prepare('SELECT takenAt, revision FROM backup').get() as {
    takenAt: string
    revision: number
  }
  const rows = database.prepare('SELECT bucket, name, revision, object FROM objects').all() as {
    bucket: string
    name: string
    revision: number
    object: string
  }[]
  const keys = database.prepare('SELECT name, content FROM keys').all() as { name: string; content: string }[]
  const files = Object.fromEntries(keys.map(({ name, content }) => [name, content]))
  if (!isSharedKeys(files)) throw new Error('it does not hold the keys of a cluster, and nothing but them')
  return {
    ...{ takenAt, revision },
    kept: rows.map(({ bucket, name, revision: at, object }) => ({
      key: { bucket, name },
      revision: at,
      value: object,
    })),
    keys: files,
  }
}

/** Throws when it is no whole backup, naming the file and what is wrong. */
export const readBackup = (file: string): Backup => {
  try {
    if (!isDatabase(file)) throw new Error('it is no backup of podway')
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      return readAll(database)
    } finally {
      database.close()
    }
  } catch (error) {
    throw new Error(`cannot restore from ${file}: ${errorText(error)}`)
  }
}
