import { type ControlPlace, restoreBackup, takeBackup } from '../control/backup/backup.ts'
import { controlFiles } from '../control/control.ts'
import { counted } from '../host/counted.ts'
import { print } from '../host/terminal.ts'
import type { BackupOptions, RestoreOptions } from './backup.ts'
import { etcdPlace } from './etcd.ts'

const placeOf = (options: BackupOptions): ControlPlace => {
  const { store, pki } = controlFiles(options.data)
  const etcd = etcdPlace(options)
  if (!etcd) return { store, pki, etcd: undefined }
  const open = async () => (await import('../control/storage/etcd/etcd-backend.ts')).openEtcdBackend(etcd)
  return { store, pki, etcd: open }
}

export const backup = async (file: string, options: BackupOptions): Promise<void> => {
  const { objects } = await takeBackup(placeOf(options), file, Date.now())
  print(`${file}: ${counted(objects, 'object')}, and the keys of the cluster`)
}

export const restore = async (file: string, options: RestoreOptions): Promise<void> => {
  const told = await restoreBackup(placeOf(options), file, { isReplacing: options.replace ?? false, now: Date.now() })
  print(
    `restored ${counted(told.objects, 'object')} of ${told.takenAt}, and the keys of the cluster; start the control plane now`,
  )
}
