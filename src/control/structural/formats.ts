/** The formats of texts that OpenAPI schemas name, as Kubernetes reads them. Others say nothing. */

import { parseTime } from '../../api/clock.ts'
import { checkSubdomain } from '../../api/names.ts'
import { parseAddress } from '../../ip/address.ts'
import { parseCidr } from '../../ip/cidr.ts'
import { checkLabel } from '../resources/names.ts'

type Check = (text: string) => boolean

const pattern =
  (form: RegExp): Check =>
  (text) =>
    form.test(text)

const isUri: Check = (text) => /^[A-Za-z][-+.A-Za-z0-9]*:\S+$/.test(text) || text.startsWith('/')

const hasDigits = (text: string, count: number): boolean => /^\d+$/.test(text) && text.length === count

const sumOf = (text: string, weights: (at: number) => number): number =>
  [...text].reduce((sum, digit, at) => sum + (digit === 'X' ? 10 : Number(digit)) * weights(at), 0)

const isIsbn10: Check = (text) => {
  const digits = text.replaceAll(/[- ]/g, '').toUpperCase()
  return /^\d{9}[\dX]$/.test(digits) && sumOf(digits, (at) => 10 - at) % 11 === 0
}

const isIsbn13: Check = (text) => {
  const digits = text.replaceAll(/[- ]/g, '')
  return hasDigits(digits, 13) && sumOf(digits, (at) => (at % 2 === 0 ? 1 : 3)) % 10 === 0
}

const isCreditCard: Check = (text) => {
  const digits = text.replaceAll(/\D/g, '')
  if (
    !/^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/.test(
      digits,
    )
  )
    return false
  const doubled = [...digits].toReversed().map((digit, at) => Number(digit) * (at % 2 === 0 ? 1 : 2))
  return doubled.reduce((sum, digit) => sum + (digit > 9 ? digit - 9 : digit), 0) % 10 === 0
}

/** The digit that stands for the version, and the one for the variant. */
const isUuid =
  (version: string, variants = '0123456789abcdef'): Check =>
  (text) => {
    const digits = text.toLowerCase().replaceAll('-', '')
    return (
      /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text) &&
      version.includes(digits.charAt(12)) &&
      variants.includes(digits.charAt(16))
    )
  }

const isDate: Check = (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && parseTime(`${text}T00:00:00Z`) !== undefined

const familyOf = (text: string): string | undefined => parseAddress(text)?.family

const checks: Readonly<Record<string, Check>> = {
  bsonobjectid: pattern(/^[0-9a-f]{24}$/i),
  uri: isUri,
  email: pattern(/^[^\s@<>]+@[^\s@<>]+$/),
  hostname: pattern(
    /^(?=.{1,255}$)[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?)*\.?$/,
  ),
  ipv4: (text) => familyOf(text) === 'IPv4',
  ipv6: (text) => familyOf(text) === 'IPv6',
  cidr: (text) => parseCidr(text) !== undefined,
  mac: pattern(
    /^([0-9a-f]{2}([:-]))[0-9a-f]{2}(\2[0-9a-f]{2}){4}$|^([0-9a-f]{2}([:-])){5}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2}[0-9a-f]{4}$/i,
  ),
  uuid: isUuid('0123456789abcdef'),
  uuid3: isUuid('3'),
  uuid4: isUuid('4', '89ab'),
  uuid5: isUuid('5', '89ab'),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: pattern(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: pattern(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i),
  rgbcolor: pattern(/^rgb\(\s*(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*(,\s*(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*){2}\)$/),
  byte: pattern(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  date: isDate,
  duration: pattern(
    /^[-+]?(\d+(\.\d*)?\s*(ns|us|µs|ms|s|m|h|d|w|nanos?|micros?|millis?|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?)\s*)+$|^0$/,
  ),
  'date-time': (text) => parseTime(text) !== undefined,
  datetime: (text) => parseTime(text) !== undefined,
  'k8s-short-name': (text) => checkLabel(text) === undefined,
  'k8s-long-name': (text) => checkSubdomain(text) === undefined,
}

/** True for a format that nobody knows. */
export const hasFormat = (text: string, format: string): boolean =>
  !Object.hasOwn(checks, format) || (checks[format]?.(text) ?? true)
