import { parseAddress } from '../../ip/address.ts'
import { cidrOf, contains } from '../../ip/cidr.ts'

const ranges = ['127.0.0.0/8', '::1/128'].map(cidrOf)

/** Whether a host of a URL is this machine. */
export const isLoopback = (host: string): boolean => {
  const address = parseAddress(host.replace(/^\[|\]$/g, ''))
  return host === 'localhost' || (address !== undefined && ranges.some((range) => contains(range, address)))
}
