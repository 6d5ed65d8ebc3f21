/** The journal in a SQLite file: a table of what is, written in place, so that the file does not grow with changes. */
import { DatabaseSync } from 'node:sqlite'
import type { KubeObject } from '../../api/types/index.ts'
import type { Journal, JournalRow } from './journal.ts'

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
`

/** Opens or makes the file. A batch is one transaction with one fsync of the write-ahead log (`synchronous = FULL`). */
export const openSqliteJournal = (file: string): Journal => {
  const database = new DatabaseSync(file)
  database.exec(schema)
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
          object: JSON.parse(object) as KubeObject,
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
    close: () => database.close(),
  }
}
