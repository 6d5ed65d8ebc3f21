/** Where a control plane keeps its objects. */
import { lstatSync } from 'node:fs'
import type { Logger } from '../host/log.ts'
import type { Backend } from './storage/backend.ts'
import type { EtcdAccess } from './storage/etcd/members.ts'
import { openSqliteBackend } from './storage/sqlite-backend.ts'

export interface EtcdPlace extends EtcdAccess {
  readonly prefix: string
}

export interface StorePlace {
  /** Nobody else can be at work on it. */
  readonly isSole: boolean
  /** Whether a store is there, in whatever state. Makes nothing. */
  isFounded(): Promise<boolean>
  /** Throws `DamagedFile`, or when a certificate cannot be read. */
  open(): Promise<Backend>
}

const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined

const inFile = (file: string, log: Logger): StorePlace => ({
  isSole: true,
  isFounded: async () => isThere(file),
  open: async () => {
    if (!isThere(file)) log.info({ file }, 'beginning with an empty store')
    return openSqliteBackend(file, { resumeAt: Date.now(), onDamage: (message) => log.warn(message) })
  },
})

const inEtcd = (place: EtcdPlace, log: Logger): StorePlace => {
  // gRPC is loaded by those who use it.
  const open = async (): Promise<Backend> => {
    const { openEtcdBackend } = await import('./storage/etcd/etcd-backend.ts')
    return openEtcdBackend({ ...place, onProblem: (message) => log.warn(message) })
  }
  return {
    isSole: false,
    isFounded: async () => {
      const backend = await open()
      try {
        return (await backend.latest()) > 0
      } finally {
        await backend.close()
      }
    },
    open,
  }
}

/** In etcd where one is named, else in the file. */
export const storePlace = (file: string, etcd: EtcdPlace | undefined, log: Logger): StorePlace =>
  etcd ? inEtcd(etcd, log) : inFile(file, log)
