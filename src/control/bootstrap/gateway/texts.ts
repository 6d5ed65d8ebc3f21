/** The texts and numbers that the kinds of the Gateway API share, with their forms. Pure. */
import { labelPattern, subdomainPattern } from '../../../api/names.ts'
import { int32, type Schema, text } from './schema.ts'

/** What a URL's path may hold, to the name behind a domain. */
const pathOfName = "[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+"

/** In rules, too. */
export const patterns = {
  hostname: `^(\\*\\.)?${subdomainPattern}$`,
  /** A key of labels and annotations. */
  key: `^(${subdomainPattern}/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`,
  headerName: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$",
  duration: '^([0-9]{1,5}(h|m|s|ms)){1,4}$',
} as const

/** `given`: the default. */
const defaulting = (given: string | undefined): Schema => (given === undefined ? {} : { default: given })

export const group = (description: string, given?: string): Schema =>
  text(description, { maxLength: 253, pattern: `^$|^${subdomainPattern}$`, ...defaulting(given) })

export const kindName = (description: string, given?: string): Schema =>
  text(description, {
    ...{ minLength: 1, maxLength: 63, pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$' },
    ...defaulting(given),
  })

export const objectName = (description: string): Schema => text(description, { minLength: 1, maxLength: 253 })

export const namespaceName = (description: string): Schema =>
  text(description, { minLength: 1, maxLength: 63, pattern: `^${labelPattern}$` })

export const sectionName = (description: string): Schema =>
  text(description, { minLength: 1, maxLength: 253, pattern: `^${subdomainPattern}$` })

/** `*.` may stand in front. */
export const hostname = (description: string): Schema =>
  text(description, { minLength: 1, maxLength: 253, pattern: patterns.hostname })

export const preciseHostname = sectionName

export const headerName = (description: string): Schema =>
  text(description, { minLength: 1, maxLength: 256, pattern: patterns.headerName })

export const duration = (description: string): Schema => text(description, { pattern: patterns.duration })

export const port = (description: string): Schema => int32(description, { minimum: 1, maximum: 65_535 })

/** `example.com/gateway` */
export const controllerName = (description: string): Schema =>
  text(description, { minLength: 1, maxLength: 253, pattern: `^${subdomainPattern}\\/${pathOfName}$` })

export const addressType = (description: string): Schema =>
  text(description, {
    ...{ default: 'IPAddress', minLength: 1, maxLength: 253 },
    pattern: `^Hostname|IPAddress|NamedAddress|${subdomainPattern}\\/${pathOfName}$`,
  })

export const listenerProtocol = (description: string): Schema =>
  text(description, {
    ...{ minLength: 1, maxLength: 255 },
    pattern: `^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|${subdomainPattern}\\/[A-Za-z0-9]+$`,
  })

export const labelValue: Schema = text('The value of the label.', {
  ...{ minLength: 0, maxLength: 63, pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$' },
})

/** Of annotations and of options. */
export const longValue: Schema = text('The value.', { minLength: 0, maxLength: 4_096 })

/** The authorities that a policy may name by a word: `System`, or `example.com/name`. */
export const authoritiesName = (description: string): Schema =>
  text(description, {
    ...{ minLength: 1, maxLength: 253 },
    pattern: `^(System|(${subdomainPattern}/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$`,
  })

export const uri = (description: string): Schema =>
  text(description, {
    ...{ minLength: 1, maxLength: 253 },
    pattern: '^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?',
  })

export const conditionType = (description: string): Schema =>
  text(description, {
    maxLength: 316,
    pattern: `^(${subdomainPattern}/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`,
  })
