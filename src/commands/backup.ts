import type { Command } from 'commander'
import { type EtcdOptions, etcdOptions } from './etcd.ts'

export interface BackupOptions extends EtcdOptions {
  readonly data: string
}

export interface RestoreOptions extends BackupOptions {
  readonly replace?: boolean
}

const place = (command: Command): Command =>
  etcdOptions(
    command.option('--data <folder>', 'the files of the control plane on this machine', '/var/lib/podway/control'),
  )

export const registerBackup = (program: Command): void => {
  place(program.command('backup'))
    .description('write all objects of one moment, and the keys of the cluster, to a file; the control plane may run')
    .argument('<file>', 'it must not be there yet; only its owner can read it')
    .addHelpText(
      'after',
      `
Whoever has the file can be everybody in the cluster: it holds the key of its authority. Objects are in it as they are in
the store: Secrets that are encrypted there need the same encryption keys after a restore, and those are not in it.

Examples:
  podway backup /backup/cluster-$(date +%F).podway
  podway backup --etcd-servers https://192.0.2.21:2379 --etcd-cafile ca.crt --etcd-certfile podway.crt \\
    --etcd-keyfile podway.key /backup/cluster.podway`,
    )
    .action(async (file: string, options: BackupOptions) => (await import('./backup-run.ts')).backup(file, options))
  place(program.command('restore'))
    .description('make a control plane that is empty, or stopped, what a backup says')
    .argument('<file>', 'what "podway backup" has written')
    .option('--replace', 'set aside what the stopped control plane has: its store and its keys')
    .addHelpText(
      'after',
      `
Nodes and kubeconfigs go on: the authority is the one they know. What was written since the backup is gone, and clients
list everything anew. A backup of a SQLite store may be restored into etcd, and the other way round.

Examples:
  podway restore /backup/cluster.podway
  podway restore --replace /backup/cluster.podway
  podway restore --etcd-servers https://192.0.2.21:2379 --etcd-prefix /restored /backup/cluster.podway`,
    )
    .action(async (file: string, options: RestoreOptions) => (await import('./backup-run.ts')).restore(file, options))
}
