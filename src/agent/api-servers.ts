/**
 * The servers of the cluster's API, kept on disk: when the one of the kubeconfig is away the others are asked. Whoever may write
 * the slice of the Service `kubernetes` may name any address, so a server there must prove to be one of the API by its name.
 */
import type { CopyReader } from '../api/local-copy.ts'
import type { EndpointSlice } from '../api/types/index.ts'
import { jsonOf, readDurable } from '../host/durable-file.ts'
import { writeFileAtomic } from '../host/files.ts'
import type { Logger } from '../host/log.ts'
import { isAddress, joinHostPort } from '../ip/address.ts'

const service = 'default/kubernetes'
const most = 16

const isServers = (value: unknown): value is readonly string[] =>
  Array.isArray(value) &&
  value.length <= most &&
  value.every((each) => typeof each === 'string' && URL.parse(each)?.protocol === 'https:')

/** As they were known last; none when the file says nothing of use. */
export const readApiServers = async (file: string): Promise<readonly string[]> => {
  const found = await readDurable(file, jsonOf('API servers', isServers))
  return found.state === 'read' ? found.value : []
}

/** `https://192.0.2.1:6443`, in order. */
export const apiServersOf = (slices: Iterable<EndpointSlice>): readonly string[] => {
  const urls = [...slices].flatMap(({ endpoints, ports }) => {
    const port = ports?.find(({ name }) => name === 'https')?.port
    if (!port) return []
    return endpoints
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) =>
        addresses.filter(isAddress).map((address) => `https://${joinHostPort(address, port)}`),
      )
  })
  return [...new Set(urls)].sort().slice(0, most)
}

/** Writes them whenever they change, and tells that they are written, until `signal` aborts. */
export const keepApiServers = (
  slices: Pick<CopyReader<EndpointSlice>, 'by' | 'onChange'>,
  file: string,
  onWritten: () => Promise<void>,
  log: Logger,
  signal: AbortSignal,
): void => {
  let kept = ''
  let writing: Promise<void> = Promise.resolve()
  slices.onChange((_key, current, previous) => {
    if (current?.metadata.namespace !== 'default' && previous?.metadata.namespace !== 'default') return
    const servers = apiServersOf(slices.by('service', service))
    const text = JSON.stringify(servers)
    if (servers.length === 0 || text === kept) return
    kept = text
    writing = writing
      .then(() => writeFileAtomic(file, text))
      .then(onWritten)
      .catch((error: unknown) => log.warn({ err: error, file }, 'cannot keep the addresses of the API servers'))
  }, signal)
}
