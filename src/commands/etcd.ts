/** Options that say in which etcd a control plane keeps its objects. */
import type { Command } from 'commander'
import type { EtcdPlace } from '../control/open-backend.ts'
import { UsageError } from './usage-error.ts'

export interface EtcdOptions {
  readonly etcdServers?: string
  readonly etcdPrefix: string
  readonly etcdCafile?: string
  readonly etcdCertfile?: string
  readonly etcdKeyfile?: string
}

export const etcdOptions = (command: Command): Command =>
  command
    .optionsGroup('Objects in etcd:')
    .option('--etcd-servers <urls>', 'keep the objects in this etcd (3.4 or later; commas between its members)')
    .option('--etcd-prefix <path>', 'where in it', '/podway')
    .option('--etcd-cafile <file>', "the authority of etcd's own certificates")
    .option('--etcd-certfile <file>', 'the certificate that etcd asks for')
    .option('--etcd-keyfile <file>', 'its key')

const endpointOf = (text: string): string => {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.port === '')
    throw new UsageError(`--etcd-servers ${text}: expected https://HOST:PORT, such as https://192.0.2.10:2379`)
  return url.origin
}

/** Undefined when no etcd is named. Throws `UsageError`. */
export const etcdPlace = (options: EtcdOptions): EtcdPlace | undefined => {
  const { etcdServers, etcdPrefix: prefix, etcdCafile: cafile, etcdCertfile: certfile, etcdKeyfile: keyfile } = options
  const files = { ...(cafile ? { cafile } : {}), ...(certfile ? { certfile } : {}), ...(keyfile ? { keyfile } : {}) }
  if (etcdServers === undefined) {
    if (Object.keys(files).length > 0) throw new UsageError('certificates for etcd, but no --etcd-servers')
    return undefined
  }
  if ((certfile === undefined) !== (keyfile === undefined))
    throw new UsageError('--etcd-certfile and --etcd-keyfile go together')
  if (!/^(\/[a-z0-9._-]+)+$/i.test(prefix))
    throw new UsageError(`--etcd-prefix ${prefix}: expected a path, such as /podway`)
  const endpoints = etcdServers.split(',').map((each) => endpointOf(each.trim()))
  if (new Set(endpoints.map((each) => new URL(each).protocol)).size > 1)
    throw new UsageError('--etcd-servers: with https all of them, or none')
  if (cafile !== undefined && endpoints.some((each) => each.startsWith('http:')))
    throw new UsageError('--etcd-cafile: the --etcd-servers must be https')
  return { endpoints, prefix, ...files }
}
