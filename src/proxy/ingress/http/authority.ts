/** The Host field and the authority of an absolute target (RFC 9110 section 7.2), read more narrowly than URIs allow. */
import { malformed } from './refusal.ts'

export interface Authority {
  /** What routes compare: small letters, no port, no final dot. IPv6 addresses keep their brackets. */
  readonly host: string
  readonly port: number | undefined
}

const pattern = /^(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*\.?)(?::([0-9]{1,5}))?$/
const maxHostLength = 255

/** Throws `Refusal` for anything but a name or an address with at most a port: no user, escapes, lists or blanks. */
export const parseAuthority = (value: string): Authority => {
  const found = value.length > maxHostLength ? null : pattern.exec(value)
  const host = found?.[1]?.toLowerCase()
  const port = found?.[2] === undefined ? undefined : Number(found[2])
  if (host === undefined || (port !== undefined && port > 65_535)) throw malformed('wrong Host')
  return { host: host.endsWith('.') ? host.slice(0, -1) : host, port }
}
