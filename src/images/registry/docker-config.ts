/**
 * Logins as Docker's configuration has them (`kubernetes.io/dockerconfigjson`, `kubernetes.io/dockercfg`, the node's own file), and
 * which of them are for an image, as the kubelet's keyring matches them. Pure.
 */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { ImageCredentials, RegistryCredential } from '../credentials.ts'

/** A login, and the key that says for which images it is: `host`, `*.host:port/path`, with or without a scheme. */
export interface RegistryLogin {
  readonly registry: string
  readonly credential: RegistryCredential
}

const textIn = (login: JsonObject, field: string): string | undefined => {
  const value = login[field]
  return typeof value === 'string' ? value : undefined
}

/** `auth` is `user:password` in Base64. */
const namedIn = (login: JsonObject): readonly [username?: string | undefined, password?: string | undefined] => {
  const auth = textIn(login, 'auth') || undefined
  if (auth === undefined) return [textIn(login, 'username'), textIn(login, 'password')]
  const decoded = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '')
  const colon = decoded.indexOf(':')
  return colon < 0 ? [] : [decoded.slice(0, colon), decoded.slice(colon + 1)]
}

/** Undefined where there is nothing to show: a helper program that keeps it is not asked. */
const credentialOf = (login: JsonObject): RegistryCredential | undefined => {
  const [registryToken, identityToken] = [textIn(login, 'registrytoken'), textIn(login, 'identitytoken')]
  if (registryToken) return { kind: 'registry token', token: registryToken }
  if (identityToken) return { kind: 'identity token', token: identityToken }
  const [username, password] = namedIn(login)
  if (username === undefined || password === undefined || (username === '' && password === '')) return undefined
  return { kind: 'basic', username, password }
}

/** Throws for what holds none. */
export const loginsIn = (entries: unknown): readonly RegistryLogin[] => {
  if (!isJsonObject(entries)) throw new Error('it holds no logins of registries')
  return Object.entries(entries).flatMap(([registry, login]) => {
    const credential = isJsonObject(login) ? credentialOf(login) : undefined
    return credential ? [{ registry, credential }] : []
  })
}

/** Both of Docker's forms: the newer one has the logins below `auths`. Throws for what is neither. */
export const parseDockerConfig = (json: string): readonly RegistryLogin[] => {
  const parsed: unknown = JSON.parse(json)
  return loginsIn(isJsonObject(parsed) ? (parsed['auths'] ?? parsed) : undefined)
}

interface Place {
  readonly host: string
  readonly port: string
  readonly path: string
}

/** `https://index.docker.io/v1/` is `index.docker.io`. */
const placeOf = (key: string): Place => {
  const plain = key.replace(/^https?:\/\//, '')
  const slash = plain.indexOf('/')
  const [authority, rawPath] = slash < 0 ? [plain, ''] : [plain.slice(0, slash), plain.slice(slash)]
  const path = rawPath.replace(/^\/v[12](?=\/)/, '')
  const [, host = authority, port = ''] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? []
  return { host, port, path: path === '/' ? '' : path }
}

/** `*` and `?` stand for what is between two dots. */
const matchesPart = (pattern: string, part: string): boolean => {
  const [first = '', ...rest] = pattern.split('*')
  const fits = (piece: string, at: number): boolean =>
    at + piece.length <= part.length && [...piece].every((char, n) => char === '?' || char === part[at + n])
  if (rest.length === 0) return first.length === part.length && fits(first, 0)
  if (!fits(first, 0)) return false
  let at = first.length
  const last = rest.pop() ?? ''
  for (const piece of rest) {
    while (at <= part.length && !fits(piece, at)) at++
    if (at > part.length) return false
    at += piece.length
  }
  return part.length - last.length >= at && fits(last, part.length - last.length)
}

const matches = (pattern: Place, image: Place): boolean => {
  const [wanted, found] = [pattern.host.split('.'), image.host.split('.')]
  return (
    pattern.port === image.port &&
    wanted.length === found.length &&
    wanted.every((part, at) => matchesPart(part, found[at] ?? '')) &&
    image.path.startsWith(pattern.path)
  )
}

const hub: Place = { host: 'index.docker.io', port: '', path: '' }

/** Longer keys, which say more, come first, as the kubelet sorts them. Those of Docker Hub have its old name. */
export const credentialsOf = (logins: readonly RegistryLogin[]): ImageCredentials => {
  const keyed = logins.map(({ registry, credential }) => ({ place: placeOf(registry), credential }))
  const keyOf = ({ host, port, path }: Place): string => `${host}${port === '' ? '' : `:${port}`}${path}`
  const sorted = keyed.toSorted((a, b) => (keyOf(a.place) < keyOf(b.place) ? 1 : -1))
  return {
    for: (repository) => {
      const image = placeOf(repository)
      const found = sorted.filter(({ place }) => matches(place, image))
      const all =
        found.length === 0 && image.host === 'docker.io' ? sorted.filter(({ place }) => matches(place, hub)) : found
      return all.map(({ credential }) => credential)
    },
  }
}
