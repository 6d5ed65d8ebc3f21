/** The content of a store file, read while a control plane works on it, and written anew. */
import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Kept } from './backend.ts'
import { checkStoreFile } from './sqlite-file.ts'
import { storeSchema } from './sqlite-schema.ts'

export interface StoreContent {
  readonly revision: number
  readonly kept: readonly Kept[]
}

/** As of one moment; nobody has to wait for it. Throws `DamagedFile`, or when there is no such file. */
export const readSqliteStore = (file: string): StoreContent => {
  if (!existsSync(file)) throw new Error(`there is no store ${file}: does --data name the folder of a control plane?`)
  checkStoreFile(file)
  // Read-only: whoever else closes a store last writes its log into it, and the next control plane would miss the log.
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    database.exec('PRAGMA busy_timeout = 5000; BEGIN')
    const { revision } = database.prepare('SELECT revision FROM state').get() as { revision: number }
    const rows = database.prepare('SELECT bucket, name, revision, object FROM objects').all() as {
      bucket: string
      name: string
      revision: number
      object: string
    }[]
    database.exec('COMMIT')
    return {
      revision,
      kept: rows.map(({ bucket, name, revision: at, object }) => ({
        key: { bucket, name },
        revision: at,
        value: object,
      })),
    }
  } finally {
    database.close()
  }
}

/** A new store file; it is whole, or not there. */
export const writeSqliteStore = (file: string, { revision, kept }: StoreContent): void => {
  const temporary = `${file}.new`
  const remove = (): void => {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${temporary}${suffix}`, { force: true })
  }
  remove()
  try {
    closeSync(openSync(temporary, 'wx', 0o600))
    const database = new DatabaseSync(temporary)
    try {
      database.exec(`${storeSchema} PRAGMA journal_mode = DELETE; BEGIN`)
      const put = database.prepare('INSERT INTO objects VALUES (?, ?, ?, ?)')
      for (const each of kept) put.run(each.key.bucket, each.key.name, each.revision, each.value)
      database.prepare('UPDATE state SET revision = ?').run(revision)
      database.exec('COMMIT')
    } finally {
      database.close()
    }
    renameSync(temporary, file)
  } catch (error) {
    remove()
    throw error
  }
}
