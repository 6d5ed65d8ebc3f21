/** Where a control plane keeps its objects. */
import { lstatSync } from 'node:fs'
import type { Logger } from '../host/log.ts'
import type { Backend } from './storage/backend.ts'
import type { EtcdAccess } from './storage/etcd/members.ts'
import { openSqliteBackend } from './storage/sqlite-backend.ts'

export interface EtcdPlace extends EtcdAccess {
  readonly prefix: string
}

export interface OpenedBackend {
  readonly backend: Backend
  /** Nobody else can be at work on it. */
  readonly isSole: boolean
}

/** Whether a SQLite store is there, in whatever state. */
export const isFoundedFile = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined

/** gRPC is loaded by those who use it. */
const openEtcd = async (place: EtcdPlace, log: Logger): Promise<OpenedBackend> => {
  const { openEtcdBackend } = await import('./storage/etcd/etcd-backend.ts')
  return { backend: openEtcdBackend({ ...place, onProblem: (message) => log.warn(message) }), isSole: false }
}

/** In etcd where one is named, else in the file. Throws `DamagedFile`, or when a certificate cannot be read. */
export const openBackend = async (file: string, etcd: EtcdPlace | undefined, log: Logger): Promise<OpenedBackend> => {
  if (etcd) return openEtcd(etcd, log)
  if (!isFoundedFile(file)) log.info({ file }, 'beginning with an empty store')
  const backend = openSqliteBackend(file, { resumeAt: Date.now(), onDamage: (message) => log.warn(message) })
  return { backend, isSole: true }
}
