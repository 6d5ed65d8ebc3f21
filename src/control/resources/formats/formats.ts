/** The forms that a field of the API can have, each with the words in which Kubernetes refuses what has another one. */

import { type FieldError, invalidValue, notSupported } from '../../../api/errors.ts'
import { type CheckText, checkLabelValue, checkQualifiedName, checkSubdomain } from '../../../api/names.ts'
import { isMappedAddress, parseAddress } from '../../../ip/address.ts'
import { cidrOf, contains, parseCidr } from '../../../ip/cidr.ts'
import {
  checkConfigKey,
  checkEnvName,
  checkLabel,
  checkLabel1035,
  checkPortName,
  ifWrong,
  isPort,
  portRange,
} from '../names.ts'

type Value = string | number

/** How one field is checked. */
export type Format =
  /** Has a form. An empty text is a field that is not set, except for an item of a list. */
  | { readonly check: (value: Value, field: string) => readonly FieldError[]; readonly onList?: boolean }
  /** A map whose keys have a form, and its values, too, unless there is a reason why they may be any text. */
  | {
      readonly entry: (key: string, value: string, field: string) => readonly FieldError[]
      readonly freeValues?: string
    }
  /** Any JSON that has a form. */
  | { readonly tree: (value: unknown, field: string) => readonly FieldError[] }
  /** Any text, or any JSON: the reason why it may be. */
  | { readonly free: string }
  /** Has a form that is checked in another place. */
  | { readonly elsewhere: string }

/** By type and field of the schema. */
export type FieldFormats = Readonly<Record<string, Readonly<Record<string, Format>>>>

/** `check` has the message of a text that is not acceptable. */
const text = (check: CheckText): Format => ({
  check: (value, field) => ifWrong(check(String(value)), field, value),
})

const pattern = (form: RegExp, longest: number, message: string): Format =>
  text((value) => {
    if (value.length > longest) return `must be no more than ${longest} characters`
    return form.test(value) ? undefined : message
  })

export const oneOf = (...values: readonly string[]): Format => ({
  check: (value, field) => (values.includes(String(value)) ? [] : [notSupported(field, value, [...values].sort())]),
})

/** As if the error were one of the list, as Kubernetes tells it for some. */
export const onList = (format: Format): Format => ('check' in format ? { ...format, onList: true } : format)

export const free = (reason: string): Format => ({ free: reason })
export const elsewhere = (place: string): Format => ({ elsewhere: place })

// Names.
export const label = text(checkLabel)
export const label1035 = text(checkLabel1035)
export const subdomain = text(checkSubdomain)
export const qualifiedName = text(checkQualifiedName)
export const labelValue = text(checkLabelValue)
export const envName = text(checkEnvName)
export const configKey = text(checkConfigKey)
export const objectName = pattern(
  /^[^\s/%\p{C}"'`\\]*$/u,
  253,
  "may not contain '/', '%', quotes, spaces or control characters",
)
export const kindName = pattern(/^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$/, 63, 'must be the name of a kind')
export const groupVersion = pattern(/^[a-z0-9]([-a-z0-9./]*[a-z0-9])?$/, 317, 'must be a group and a version')
export const conditionReason = pattern(
  /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/,
  1024,
  'must be a word, such as "MinimumReplicasAvailable"',
)

export const labelOperator = text((value) =>
  ['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(value) ? undefined : 'not a valid selector operator',
)

// Texts of one word or one line, which go into records, tables and headers.
export const word = pattern(
  /^[!#-&(-[\]-_a-~]*$/,
  1024,
  'must consist of printable ASCII characters without spaces, quotes and backslashes',
)
export const line = pattern(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 4096, 'must be one line of printable characters')
export const headerName = pattern(
  /^[-A-Za-z0-9!#$%&*+.^_|~]+$/,
  256,
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
)

export const sysctlName = pattern(
  /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/,
  253,
  'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
)

// Addresses and ports.
export const ipMessage = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
export const cidrMessage = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

const checkIp = (value: string): string | undefined => {
  if (isMappedAddress(value)) return 'must not be an IPv4-mapped IPv6 address'
  return parseAddress(value) ? undefined : ipMessage
}

const special = (
  [
    ['may not be unspecified (0.0.0.0 or ::)', ['0.0.0.0/32', '::/128']],
    ['may not be in the loopback range (127.0.0.0/8, ::1/128)', ['127.0.0.0/8', '::1/128']],
    ['may not be in the link-local range (169.254.0.0/16, fe80::/10)', ['169.254.0.0/16', 'fe80::/10']],
    ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)', ['224.0.0.0/24', 'ff02::/16']],
  ] as const
).flatMap(([message, ranges]) => ranges.flatMap((range) => ({ message, range: cidrOf(range) })))

/** Why traffic may not be led to an address, for one that has the form. */
export const checkNonSpecialIp = (value: string): string | undefined => {
  const address = parseAddress(value)
  return address && special.find(({ range }) => contains(range, address))?.message
}

export const ip = text(checkIp)
export const reachableIp = text((value) => checkIp(value) ?? checkNonSpecialIp(value))
export const ipOrNone = text((value) => (value === 'None' ? undefined : checkIp(value)))
export const cidr = text((value) => (value.length <= 64 && parseCidr(value) ? undefined : cidrMessage))
export const hostOrIp = text((value) =>
  checkIp(value) === undefined || /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?$/.test(value)
    ? undefined
    : 'must be a valid DNS name or IP address',
)
/** The name of a host that is not an address. */
export const hostname = text((value) =>
  parseAddress(value) ? 'must be a DNS name, not an IP address' : checkSubdomain(value),
)
/** The same, and the root may be written behind it. */
export const externalName = text((value) => checkSubdomain(value.replace(/\.$/, '')))
const maxSearchLength = 255
export const searchDomain = text((value) =>
  value === '.' ||
  (value.length <= maxSearchLength &&
    /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*\.?$/.test(value))
    ? undefined
    : (checkSubdomain(value) ?? 'must be a valid DNS search path'),
)
export const port: Format = {
  check: (value, field) => (isPort(Number(value)) ? [] : [invalidValue(field, value, portRange)]),
}
export const portOrName: Format = {
  check: (value, field) => {
    const message = typeof value === 'string' ? checkPortName(value) : isPort(value) ? undefined : portRange
    return ifWrong(message, field, value)
  },
}
export const protocol = oneOf('TCP', 'UDP', 'SCTP')

// Paths.
const hasBackstep = (value: string): boolean => value.split('/').includes('..')
const isPathText = (value: string): boolean => value.length <= 4096 && !/\p{C}/u.test(value)
const pathMessage = 'must be a path without control characters, of at most 4096 bytes'
const backstepMessage = "must not contain '..'"

export const path = text((value) => {
  if (!isPathText(value)) return pathMessage
  return hasBackstep(value) ? backstepMessage : undefined
})
/** Below a folder that somebody else chose. */
export const pathWithin = text((value) => {
  if (value.startsWith('/')) return 'must be a relative path'
  if (!isPathText(value)) return pathMessage
  return hasBackstep(value) ? backstepMessage : undefined
})
export const urlPath = pattern(
  /^[^\s\p{C}"]*$/u,
  4096,
  'must be a URL path without spaces, quotes and control characters',
)

// Maps.
export const labels: Format = {
  entry: (key, value, field) => [
    ...ifWrong(checkQualifiedName(key), field, key),
    ...ifWrong(checkLabelValue(value), field, value),
  ],
}
/** Keys have the form of a label's. */
export const annotations: Format = {
  freeValues: 'content of users and their tools; whoever acts upon one reads it as what it has to be',
  entry: (key, _value, field) => ifWrong(checkQualifiedName(key.toLowerCase()), field, key),
}
export const content: Format = {
  freeValues: "the user's own content",
  entry: (key, _value, field) => ifWrong(checkConfigKey(key), `${field}[${key}]`, key),
}
export const options: Format = {
  entry: (key, value, field) => [
    ...ifWrong(checkQualifiedName(key), field, key),
    ...(/^[^\p{C}]{0,4096}$/u.test(value)
      ? []
      : [invalidValue(`${field}[${key}]`, value, 'must be one line of printable characters')]),
  ],
}
export const resources: Format = {
  freeValues: 'quantities, which are read when the body is',
  entry: (key, _value, field) => ifWrong(checkQualifiedName(key), `${field}[${key}]`, key),
}

/** What server-side apply knows of who set which field: names of fields, and nothing else. */
const isFieldSet = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.entries(value).every(([key, part]) => /^(\.|[fvki]:\P{C}*)$/u.test(key) && isFieldSet(part))

export const fieldSet: Format = {
  tree: (value, field) => (isFieldSet(value) ? [] : [invalidValue(field, '', 'must be a set of fields')]),
}
