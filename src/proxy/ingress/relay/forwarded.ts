/** Where a request came from, when proxies that are trusted say so. */

import { parsePeerAddress } from '../../../ip/address.ts'
import type { RequestHead } from '../http/request-head.ts'
import { type Via, viaFields } from '../http/request-text.ts'

const last = (head: RequestHead, key: string): string | undefined => {
  const values = head.fields.filter((field) => field.key === key)
  return values.at(-1)?.value.split(',').at(-1)?.trim()
}

const forwardedFor = (head: RequestHead): readonly string[] =>
  head.fields.filter(({ key }) => key === 'x-forwarded-for').map(({ value }) => value)

const addresses = (values: readonly string[]): readonly string[] =>
  values.flatMap((value) => value.split(',')).map((each) => each.trim().replace(/^\[(.*)\](?::\d+)?$/, '$1'))

/** From the right: proxies that are trusted are passed over, and the first other one is the client. */
const clientOf = (chain: readonly string[], peer: string, isTrusted: (address: string) => boolean): string => {
  let client = peer
  for (const each of [...chain].reverse()) {
    const address = parsePeerAddress(each)
    if (!isTrusted(client) || !address) break
    client = address.text
  }
  return client
}

/** `via` with what the fields say. Fields that make no sense are as if they were not there. */
export const viaForwarded = (
  head: RequestHead,
  via: Via,
  isTrusted: (address: string) => boolean,
): { readonly via: Via; readonly viaText: string } => {
  const received = forwardedFor(head)
  const chain = addresses(received)
  const proto = last(head, 'x-forwarded-proto')?.toLowerCase()
  const port = last(head, 'x-forwarded-port')
  const host = last(head, 'x-forwarded-host')
  const scheme = proto === 'https' || proto === 'http' ? proto : via.scheme
  const clientAddress = clientOf(chain, via.clientAddress, isTrusted)
  const told: Via = {
    ...via,
    ...{ clientAddress, scheme },
    forwardedFor: [...chain.filter((each) => parsePeerAddress(each)), via.clientAddress].join(', '),
    port:
      port !== undefined && /^\d{1,5}$/.test(port)
        ? Number(port)
        : scheme === via.scheme
          ? via.port
          : scheme === 'https'
            ? 443
            : 80,
    ...(host !== undefined && /^[A-Za-z0-9.\-_:[\]]+$/.test(host) ? { forwardedHost: host } : {}),
    ...(received.length > 0 ? { originalForwardedFor: received.join(', ') } : {}),
  }
  return { via: told, viaText: viaFields(told) }
}
