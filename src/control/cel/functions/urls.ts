/** `url("https://…")` and its parts. */
import type { Environment } from '@marcbachmann/cel-js'

class CelUrl {
  readonly url: URL
  readonly isPath: boolean

  constructor(url: URL, isPath: boolean) {
    this.url = url
    this.isPath = isPath
  }
}

const parse = (text: string): CelUrl | undefined => {
  if (text.startsWith('/')) {
    const url = URL.parse(text, 'path://none')
    return url ? new CelUrl(url, true) : undefined
  }
  const url = /^[A-Za-z][-+.A-Za-z0-9]*:/.test(text) ? URL.parse(text) : null
  return url ? new CelUrl(url, false) : undefined
}

const urlOf = (text: string): CelUrl => {
  const found = parse(text)
  if (!found)
    throw new Error(
      `URL parse error during conversion from string: parse "${text.slice(0, 128)}": invalid URI for request`,
    )
  return found
}

const queryOf = ({ url }: CelUrl): ReadonlyMap<string, readonly string[]> =>
  new Map([...new Set(url.searchParams.keys())].map((name) => [name, url.searchParams.getAll(name)]))

const type = 'kubernetes.URL'

export const addUrls = (env: Environment): Environment =>
  env
    .registerType(type, { ctor: CelUrl, fields: {} })
    .registerFunction(`url(string): ${type}`, urlOf)
    .registerFunction('isURL(string): bool', (text: string) => parse(text) !== undefined)
    .registerFunction(`${type}.getScheme(): string`, ({ url, isPath }: CelUrl) =>
      isPath ? '' : url.protocol.slice(0, -1),
    )
    .registerFunction(`${type}.getHost(): string`, ({ url, isPath }: CelUrl) => (isPath ? '' : url.host))
    .registerFunction(`${type}.getHostname(): string`, ({ url, isPath }: CelUrl) =>
      isPath ? '' : url.hostname.replace(/^\[|\]$/g, ''),
    )
    .registerFunction(`${type}.getPort(): string`, ({ url }: CelUrl) => url.port)
    .registerFunction(`${type}.getEscapedPath(): string`, ({ url }: CelUrl) => url.pathname)
    .registerFunction(`${type}.getQuery(): map<string, list<string>>`, queryOf)
