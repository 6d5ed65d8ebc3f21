/** The node's own name servers. */
import { readFile } from 'node:fs/promises'
import { isStub, parseResolvConf, type ResolvConf } from '../dns/resolv-conf.ts'

/** As a file says; nothing when there is none. */
export const readResolvConf = async (file = '/etc/resolv.conf'): Promise<ResolvConf> =>
  parseResolvConf(await readFile(file, 'utf8').catch(() => ''))

/** The node's own; behind systemd-resolved, what that one asks. */
export const readHostResolvConf = async (): Promise<ResolvConf> => {
  const own = await readResolvConf()
  return isStub(own) ? readResolvConf('/run/systemd/resolve/resolv.conf') : own
}
