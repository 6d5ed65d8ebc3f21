/** The journal in a SQLite file: a table of what is, written in place, so that the file does not grow with changes. */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { KubeObject } from '../../api/types/index.ts'
import { DamagedFile } from '../../host/durable-file.ts'
import type { Journal, JournalRow } from './journal.ts'
import { checkStoreFile, logOf, storeCure } from './store-file.ts'

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 1000;
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, object TEXT NOT NULL,
    PRIMARY KEY (bucket, name)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
  INSERT OR IGNORE INTO state VALUES (1, 0);
  CREATE TABLE IF NOT EXISTS life (id INTEGER PRIMARY KEY CHECK (id = 1), isOpen INTEGER NOT NULL);
  INSERT OR IGNORE INTO life VALUES (1, 0);
`

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

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
    database.exec(schema)
    return database
  } catch (error) {
    if (/locked|full|readonly/.test(messageOf(error))) throw new Error(`cannot write ${file}: ${messageOf(error)}`)
    throw new DamagedFile(file, `is damaged (${messageOf(error)})`, storeCure(file))
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
    throw new Error(`cannot write ${file}: ${messageOf(error)}`)
  }
}

const parseObject = (file: string, bucket: string, name: string, text: string): KubeObject => {
  try {
    return JSON.parse(text) as KubeObject
  } catch (error) {
    throw new DamagedFile(
      file,
      `holds a damaged object, ${bucket} ${name} (${messageOf(error)})`,
      `${storeCure(file)}; to give up this one object (what it owns goes with it): sqlite3 ${file} "DELETE FROM objects WHERE bucket = '${bucket}' AND name = '${name}'"`,
    )
  }
}

/**
 * Opens or makes the file; throws `DamagedFile` for one that is not sound. A batch is one transaction with one fsync of the
 * write-ahead log (`synchronous = FULL`).
 */
export const openSqliteJournal = (file: string, onDamage: (message: string) => void = () => undefined): Journal => {
  const hadLog = existsSync(logOf(file))
  const database = openSound(file)
  beginLife(database, file, hadLog, onDamage)
  const put = database.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)')
  const remove = database.prepare('DELETE FROM objects WHERE bucket = ? AND name = ?')
  const advance = database.prepare('UPDATE state SET revision = ? WHERE id = 1')

  const writeRow = ({ key, revision, json }: JournalRow): void => {
    if (json !== undefined) put.run(key.bucket, key.name, revision, json)
    else remove.run(key.bucket, key.name)
  }

  return {
    load: () => {
      const state = database.prepare('SELECT revision FROM state').get() as { revision: number }
      const rows = database.prepare('SELECT bucket, name, revision, object FROM objects').all() as {
        bucket: string
        name: string
        revision: number
        object: string
      }[]
      return {
        revision: state.revision,
        rows: rows.map(({ bucket, name, revision, object }) => ({
          key: { bucket, name },
          revision,
          object: parseObject(file, bucket, name, object),
        })),
      }
    },
    write: (rows) => {
      const last = rows.at(-1)
      if (!last) return
      database.exec('BEGIN IMMEDIATE')
      try {
        for (const row of rows) writeRow(row)
        advance.run(last.revision)
        database.exec('COMMIT')
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw new Error(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
    close: () => {
      database.exec('UPDATE life SET isOpen = 0')
      database.close()
    },
  }
}
