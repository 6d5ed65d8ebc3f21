/** Taking a backup while the control plane runs, and going back to one. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readSharedKeys, writeSharedKeys } from '../auth/shared-keys.ts'
import type { Backend, Kept } from '../storage/backend.ts'
import { readSqliteStore, writeSqliteStore } from '../storage/sqlite-copy.ts'
import { lockStore } from '../storage/store-lock.ts'
import { type Backup, readBackup, writeBackup } from './backup-file.ts'

/** Where a control plane's things are. */
export interface ControlPlace {
  /** Missing: the objects are in the file. */
  readonly etcd: (() => Promise<Backend>) | undefined
  readonly store: string
  readonly pki: string
}

export interface Told {
  readonly objects: number
  readonly takenAt: string
}

const withBackend = async <T>(open: () => Promise<Backend>, use: (backend: Backend) => Promise<T>): Promise<T> => {
  const backend = await open()
  try {
    return await use(backend)
  } finally {
    await backend.close()
  }
}

/** All objects of one moment and the keys of the cluster. Throws when `file` is there already. */
export const takeBackup = async (place: ControlPlace, file: string, now: number): Promise<Told> => {
  if (existsSync(file)) throw new Error(`${file} is there already: a backup overwrites none`)
  const keys = await readSharedKeys(place.pki)
  const { revision, kept } = place.etcd
    ? await withBackend(place.etcd, (backend) => backend.load())
    : readSqliteStore(place.store)
  const takenAt = new Date(now).toISOString()
  writeBackup(file, { takenAt, revision, kept, keys })
  return { objects: kept.length, takenAt }
}

/** Transactions of etcd hold no more than 128 operations. */
const atOnce = 100

const fillEtcd = (open: () => Promise<Backend>, kept: readonly Kept[]): Promise<void> =>
  withBackend(open, async (backend) => {
    if ((await backend.latest()) > 0)
      throw new Error(
        'there is a cluster in this etcd already: stop its control planes and empty it (etcdctl del --prefix), or choose another --etcd-prefix',
      )
    for (let at = 0; at < kept.length; at += atOnce)
      await backend.commit(kept.slice(at, at + atOnce).map(({ key, value }) => ({ key, expected: 0, value })))
  })

/** What was there is set aside, not removed. */
const setAside = async (file: string, now: number): Promise<void> => {
  const folder = dirname(file)
  if (!existsSync(folder)) return
  const suffix = `.before-restore-${new Date(now).toISOString().replaceAll(/[:.]/g, '')}`
  const names = (await readdir(folder)).filter(
    (name) => name === basename(file) || name.startsWith(`${basename(file)}-`),
  )
  for (const name of names) await rename(join(folder, name), join(folder, `${name}${suffix}`))
}

const fillFile = async (store: string, backup: Backup, isReplacing: boolean, now: number): Promise<void> => {
  await mkdir(dirname(store), { recursive: true, mode: 0o700 })
  const unlock = lockStore(store)
  try {
    if (existsSync(store) && !isReplacing)
      throw new Error(`${store} is there already: with --replace it is set aside, and its keys with it`)
    await setAside(store, now)
    writeSqliteStore(store, backup)
  } finally {
    unlock()
  }
}

/** Into a control plane that is empty or, with `isReplacing`, stopped. Nothing is touched before the backup is found whole. */
export const restoreBackup = async (
  place: ControlPlace,
  file: string,
  { isReplacing, now }: { readonly isReplacing: boolean; readonly now: number },
): Promise<Told> => {
  const backup = readBackup(file)
  const hasKeys = existsSync(join(place.pki, 'ca.crt')) || existsSync(join(place.pki, 'ca.key'))
  if (hasKeys && !isReplacing)
    throw new Error(`${place.pki} holds the keys of a cluster already: with --replace they are set aside`)
  if (place.etcd) await fillEtcd(place.etcd, backup.kept)
  else await fillFile(place.store, backup, isReplacing, now)
  if (hasKeys) await setAside(place.pki, now)
  await writeSharedKeys(place.pki, backup.keys)
  return { objects: backup.kept.length, takenAt: backup.takenAt }
}
