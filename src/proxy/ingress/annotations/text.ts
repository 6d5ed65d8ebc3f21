/** Readers of values that become parts of messages: nothing that could end a line or a field gets through. */
import { skip, tokenBytes } from '../http/syntax.ts'
import { parseTemplate, type Template } from '../policy/template.ts'
import { wrong } from './value.ts'

const isToken = (text: string): boolean => text !== '' && skip(text, 0, tokenBytes) === text.length

/** Names of header fields and cookies. */
export const token = (text: string): string =>
  isToken(text) ? text : wrong(`"${text}" is not a name that a header field or a cookie can have`)

export const smallToken = (text: string): string => token(text).toLowerCase()

export const method = (text: string): string =>
  /^[A-Z]{1,32}$/.test(text.toUpperCase()) ? text.toUpperCase() : wrong(`"${text}" is not an HTTP method`)

/** Printable ASCII. */
export const fieldText = (text: string): string =>
  /^[\x20-\x7e]+$/.test(text) ? text : wrong('expected printable ASCII in one line')

/** It stands between quotes in an answer. */
export const quotedText = (text: string): string =>
  /["\\]/.test(fieldText(text)) ? wrong('quotes and backslashes are not possible here') : text

/** Visible ASCII, without what no URL holds. */
const visible = (text: string): string =>
  /^[\x21-\x7e]+$/.test(text) && !/["<>\\]/.test(text) ? text : wrong('expected visible ASCII without blanks or quotes')

const nameExpression = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

/** A DNS name, in small letters. */
export const hostName = (text: string): string => {
  const name = text.toLowerCase()
  return nameExpression.test(name) && name.length <= 253 ? name : wrong(`"${text}" is not a host name`)
}

/** As hosts of Ingress rules are written. */
export const hostOrWildcard = (text: string): string =>
  text.startsWith('*.') ? `*.${hostName(text.slice(2))}` : hostName(text)

/** `:8443`, or nothing. */
export const portSuffix = (text: string): string =>
  text === '' || (/^:\d{1,5}$/.test(text) && Number(text.slice(1)) < 65_536) ? text : wrong(`"${text}" is not a port`)

/** The value of a Host field. */
export const hostAndPort = (text: string): string => {
  if (text.includes('$')) return wrong('variables are not possible here')
  const [, host = '', port = ''] = /^([^:]*)(.*)$/.exec(text) ?? []
  return `${hostName(host)}${portSuffix(port)}`
}

export const cookieDomain = (text: string): string =>
  text.startsWith('.') ? `.${hostName(text.slice(1))}` : hostName(text)

/** The start of a path. */
export const path = (text: string): string =>
  text.startsWith('/') ? visible(text) : wrong('expected a path that begins with "/"')

/** Of a cookie, where a semicolon ends the path. */
export const cookiePath = (text: string): string =>
  /[;,]/.test(text) ? wrong('a cookie cannot have this path') : path(text)

/** A path of this host and no other: a browser takes `//name` for another host. */
export const localPath = (text: string): string =>
  text.startsWith('//') ? wrong('expected a path of the same host: "//" begins the name of another one') : path(text)

export const template = (text: string): Template => {
  const parsed = parseTemplate(visible(text))
  return 'template' in parsed ? parsed.template : wrong(`the variable $${parsed.unknown} is not known here`)
}

const startsPath: readonly string[] = ['request_uri', 'uri', 'is_args']

/**
 * Whether the host of a URL, given as what follows `//`, is its author's to choose. Beside the host that the request was
 * routed by, a variable there would let the client decide who is asked.
 */
const namesHost = ([first, ...rest]: Template, named = false): boolean => {
  if (first === undefined) return named
  if (typeof first === 'string') {
    const [host = '', ...more] = first.split(/[/?#]/)
    const isNamed = named || host !== ''
    return !host.includes('@') && (more.length > 0 ? isNamed : namesHost(rest, isNamed))
  }
  if (startsPath.includes(first.variable)) return named
  return ['host', 'http_host'].includes(first.variable) && namesHost(rest, true)
}

const absoluteUrl = (text: string, scheme: RegExp): Template => {
  const start = scheme.exec(text)?.[0]
  if (start === undefined || (!text.includes('$') && !URL.canParse(text)))
    return wrong('expected a URL, such as https://example.com/path')
  const read = template(text)
  if (!namesHost(template(`${text.slice(start.length)}/`)))
    return wrong('expected a URL that names a host; no variable but $host can stand there')
  return read
}

/** Where the proxy itself asks. */
export const serverUrl = (text: string): Template => absoluteUrl(text, /^https?:\/\//)

/** Where clients are sent: a URL, or a path. */
export const clientUrl = (text: string): Template =>
  /^\/(?!\/)/.test(text) ? template(text) : absoluteUrl(text, /^(?:https?|\$scheme|\$\{scheme\}):\/\//)

/** For fields of API objects: `name`, or `namespace/name`. */
export interface Reference {
  readonly namespace?: string
  readonly name: string
}

export const reference = (text: string): Reference => {
  const [, namespace, name = ''] = /^(?:([a-z0-9-]{1,63})\/)?([a-z0-9][a-z0-9.-]{0,252})$/.exec(text) ?? []
  if (name === '') return wrong('expected a name, or namespace/name')
  return namespace === undefined ? { name } : { namespace, name }
}
