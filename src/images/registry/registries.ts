/** Where the registry of an image is: mirrors, plain HTTP, authorities. The file is k3s' `registries.yaml`. Pure. */
import { parse } from 'yaml'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { RegistryCredential } from '../credentials.ts'
import { isLoopback } from './loopback.ts'

export interface Endpoint {
  /** `https://registry-1.docker.io`, maybe with a path in front of `/v2`. */
  readonly base: URL
  /** A mirror is told whose images it is asked for. */
  readonly mirrorOf: string | undefined
  /** PEM, beside the authorities that Node knows. */
  readonly authority: string | undefined
  readonly isVerified: boolean
  /** The node's own, for this endpoint. */
  readonly credential: RegistryCredential | undefined
}

interface HostSettings {
  readonly authority?: string
  readonly isVerified: boolean
  readonly credential?: RegistryCredential
}

export interface Registries {
  /** Mirrors first, the registry itself last. */
  endpointsOf(registry: string): readonly Endpoint[]
}

export interface RegistrySettings {
  readonly mirrors: ReadonlyMap<string, readonly URL[]>
  readonly hosts: ReadonlyMap<string, HostSettings>
  /** Registries, as hosts and ports, that have no TLS. */
  readonly plainHttp: ReadonlySet<string>
}

const realHosts: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }

const fail = (what: string): never => {
  throw new Error(`the file of registries is wrong: ${what}`)
}

const objectAt = (of: JsonObject, field: string): JsonObject => {
  const value = of[field] ?? {}
  return isJsonObject(value) ? value : fail(`${field} is no mapping`)
}

const textAt = (of: JsonObject, field: string): string | undefined => {
  const value = of[field]
  return value === undefined || typeof value === 'string' ? value : fail(`${field} is no text`)
}

const endpointUrl = (text: unknown): URL => {
  const url = typeof text === 'string' ? URL.parse(text.includes('://') ? text : `https://${text}`) : null
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.search !== '')
    return fail(`${JSON.stringify(text)} is no endpoint`)
  return url
}

const mirrorsOf = (mirror: unknown, registry: string): readonly URL[] => {
  const endpoints = isJsonObject(mirror) ? (mirror['endpoint'] ?? []) : undefined
  return Array.isArray(endpoints) ? endpoints.map(endpointUrl) : fail(`mirrors.${registry}.endpoint is no list`)
}

const credentialAt = (auth: JsonObject): RegistryCredential | undefined => {
  const [username, password, token] = [
    textAt(auth, 'username'),
    textAt(auth, 'password'),
    textAt(auth, 'identity_token'),
  ]
  if (token !== undefined) return { kind: 'identity token', token }
  return username === undefined ? undefined : { kind: 'basic', username, password: password ?? '' }
}

const hostSettings = (config: unknown, readFile: (path: string) => string): HostSettings => {
  if (!isJsonObject(config)) return fail('an entry of configs is no mapping')
  const tls = objectAt(config, 'tls')
  const file = textAt(tls, 'ca_file')
  const credential = credentialAt(objectAt(config, 'auth'))
  return {
    isVerified: tls['insecure_skip_verify'] !== true,
    ...(file === undefined ? {} : { authority: readFile(file) }),
    ...(credential ? { credential } : {}),
  }
}

/** Throws in a sentence what is wrong. `readFile` reads the authorities that are named. */
export const parseRegistries = (yaml: string, readFile: (path: string) => string): RegistrySettings => {
  const parsed: unknown = parse(yaml, { maxAliasCount: 0 }) ?? {}
  if (!isJsonObject(parsed)) return fail('it is no mapping')
  const mirrors = Object.entries(objectAt(parsed, 'mirrors')).map(
    ([registry, mirror]) => [registry, mirrorsOf(mirror, registry)] as const,
  )
  const hosts = Object.entries(objectAt(parsed, 'configs')).map(
    ([host, config]) => [host, hostSettings(config, readFile)] as const,
  )
  return { mirrors: new Map(mirrors), hosts: new Map(hosts), plainHttp: new Set() }
}

const hostOf = (registry: string): string => URL.parse(`http://${registry}`)?.hostname ?? registry

/** On this machine a registry needs no TLS, unless something is said of its certificate. */
const schemeOf = (registry: string, { hosts, plainHttp }: RegistrySettings): 'http' | 'https' =>
  plainHttp.has(registry) || (isLoopback(hostOf(registry)) && !hosts.has(registry)) ? 'http' : 'https'

export const createRegistries = (settings: RegistrySettings): Registries => {
  const endpoint = (base: URL, mirrorOf: string | undefined, names: readonly string[]): Endpoint => {
    const found = names.map((name) => settings.hosts.get(name)).find((each) => each !== undefined)
    return {
      ...{ base, mirrorOf, authority: found?.authority, isVerified: found?.isVerified ?? true },
      credential: found?.credential,
    }
  }
  return {
    endpointsOf: (registry) => {
      const mirrors = settings.mirrors.get(registry) ?? settings.mirrors.get('*') ?? []
      const real = realHosts[registry] ?? registry
      const own = new URL(`${schemeOf(registry, settings)}://${real}`)
      return [
        ...mirrors.map((base) => endpoint(base, registry, [base.host])),
        endpoint(own, undefined, [registry, real]),
      ]
    },
  }
}
