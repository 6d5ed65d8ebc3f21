/** The name formats of Kubernetes (apimachinery's validation), with the messages clients know. */
import { type FieldError, invalidValue } from '../../api/errors.ts'
import { checkSubdomain, labelPattern, subdomainPattern, textRule } from '../../api/names.ts'
import type { NameRule } from './definition.ts'

const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?'

/** The error of a field's value whose check has a message for it. */
export const ifWrong = (message: string | undefined, field: string, value: unknown): FieldError[] =>
  message === undefined ? [] : [invalidValue(field, value, message)]

/** RFC 1123 label: `web-1`, at most 63 characters. */
export const checkLabel = textRule(
  labelPattern,
  63,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc'",
)

/** RFC 1035 label: as above, but starts with a letter. */
export const checkLabel1035 = textRule(
  label1035,
  63,
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123'",
)

/** A host of an Ingress rule: a subdomain, or one whose first label is `*`. */
export const checkWildcardSubdomain = textRule(
  `\\*\\.${subdomainPattern}`,
  253,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com'",
)

/** A port's name: letters, digits and dashes, at least one letter, at most 15 characters. */
export const checkPortName = (name: string): string | undefined => {
  if (name.length > 15) return 'must be no more than 15 characters'
  if (!/^[-a-z0-9]+$/.test(name)) return 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'
  if (!/[a-z]/.test(name)) return 'must contain at least one letter (a-z)'
  if (name.includes('--')) return 'must not contain consecutive hyphens'
  if (name.startsWith('-') || name.endsWith('-')) return 'must not begin or end with a hyphen'
  return undefined
}

/** A key of a ConfigMap or Secret. */
export const checkConfigKey = (key: string): string | undefined => {
  if (key.length > 253) return 'must be no more than 253 characters'
  if (key === '.' || key === '..' || key.startsWith('..')) return `must not start with '..'`
  return /^[-._a-zA-Z0-9]+$/.test(key)
    ? undefined
    : "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
}

/** An environment variable, as relaxed in Kubernetes 1.30: printable ASCII without `=`. */
export const checkEnvName = (name: string): string | undefined =>
  name.length <= 4096 && /^[ -<>-~]+$/.test(name)
    ? undefined
    : "a valid environment variable name must consist only of printable ASCII characters other than '='"

/** A name that only has to be a URL path segment. */
export const checkPathSegment = (name: string): string | undefined => {
  if (name === '.' || name === '..') return `may not be '${name}'`
  for (const char of ['/', '%']) if (name.includes(char)) return `may not contain '${char}'`
  return undefined
}

export const portRange = 'must be between 1 and 65535, inclusive'
export const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65535

export const labelName: NameRule = { check: checkLabel }
export const label1035Name: NameRule = { check: checkLabel1035 }
export const subdomainName: NameRule = { check: checkSubdomain }
export const pathSegmentName: NameRule = { check: checkPathSegment }
