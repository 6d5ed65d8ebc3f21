/** Which certificate a client is shown, and what it is asked for, by the name it says. */
import { createSecureContext, type SecureContext } from 'node:tls'
import type { BackendKey } from '../policy/backend-key.ts'
import type { ClientCertificates } from '../policy/policy.ts'

/** PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

/** A host that is nobody else's: a connection that was made for another one of these does not reach it. */
export interface TlsListener {
  readonly host: string
  /** Hosts of one name share their connections. */
  readonly name: string
  /** What its clients must show in the handshake itself. */
  readonly clients?: { readonly ca: string; readonly verify: 'required' | 'optional-any' }
}

/** Everything TLS of one entry. Plain data. Hosts as rules write them: `a.b`, `*.b`, `**.b` or empty. */
export interface TlsConfiguration {
  readonly fallback: Certificate
  readonly hosts: readonly { readonly host: string; readonly certificate: Certificate }[]
  readonly passthrough: readonly { readonly host: string; readonly backend: BackendKey }[]
  readonly clients: readonly { readonly host: string; readonly certificates: ClientCertificates }[]
  readonly listeners: readonly TlsListener[]
}

/** `required`: the handshake fails without a good certificate; `asked`: what was shown is judged later. */
export type Asks = 'none' | 'asked' | 'required'

export interface ServerTls {
  configure(configuration: TlsConfiguration): void
  /** The certificate for a server name, the default one when nobody has one. */
  contextFor(serverName: string | undefined): SecureContext
  passthroughOf(serverName: string | undefined): BackendKey | undefined
  clientsOf(host: string): ClientCertificates | undefined
  /** The most precise one that the host belongs to. */
  listenerOf(host: string | undefined): TlsListener | undefined
  /** Whether clients are asked for a certificate, and let in without. */
  asks(serverName: string | undefined): Asks
  /** What clients are shown that name no server, and what theirs is verified by. */
  nameless(): Certificate & { readonly ca: string | undefined }
}

/** The ciphers that a modern client has, as Mozilla's intermediate list names them; TLS 1.3 has its own. */
const ciphers = [
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ...['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':')

export const serverTlsOptions = { minVersion: 'TLSv1.2', ciphers, honorCipherOrder: false } as const

/** The exact name, else the wildcard one label up, else the nearest of any depth, else what is for every name. */
const lookUp = <T>(map: ReadonlyMap<string, T>, name: string | undefined): T | undefined => {
  if (map.size === 0) return undefined
  if (name === undefined) return map.get('')
  const near = map.get(name) ?? map.get(name.replace(/^[^.]+/, '*'))
  if (near) return near
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const found = map.get(`**${name.slice(dot)}`)
    if (found) return found
  }
  return map.get('')
}

const byHost = <T extends { readonly host: string }>(all: readonly T[]): Map<string, T> =>
  new Map(all.map((each) => [each.host, each]))

/** `ticketKeys`: the same in all threads, so that a client may come back to any. */
export const createServerTls = (ticketKeys: Buffer, report: (problem: string) => void): ServerTls => {
  let hosts = new Map<string, { readonly host: string; readonly certificate: Certificate }>()
  let passthrough = new Map<string, { readonly host: string; readonly backend: BackendKey }>()
  let clients = new Map<string, { readonly host: string; readonly certificates: ClientCertificates }>()
  let listeners = new Map<string, TlsListener>()
  let fallback: Certificate | undefined
  /** Made when the first client asks; by certificate and what clients must show. */
  let contexts = new Map<string, SecureContext>()

  const make = ({ certificate: cert, key }: Certificate, ca: string | undefined): SecureContext =>
    createSecureContext({
      ...{ cert, key, minVersion: serverTlsOptions.minVersion, ciphers },
      ...(ca === undefined ? {} : { ca }),
      ticketKeys,
    })

  const contextOf = (certificate: Certificate, ca: string | undefined): SecureContext => {
    const id = `${certificate.certificate}\n${certificate.key}\n${ca ?? ''}`
    const known = contexts.get(id)
    if (known) return known
    const made = make(certificate, ca)
    contexts.set(id, made)
    return made
  }

  const authorityOf = (serverName: string | undefined): string | undefined =>
    lookUp(listeners, serverName)?.clients?.ca ?? lookUp(clients, serverName)?.certificates.ca

  return {
    configure: (configuration) => {
      hosts = byHost(configuration.hosts)
      passthrough = byHost(configuration.passthrough)
      clients = byHost(configuration.clients)
      listeners = byHost(configuration.listeners)
      fallback = configuration.fallback
      contexts = new Map()
    },
    contextFor: (serverName) => {
      if (!fallback) throw new Error('TLS was not configured')
      const found = lookUp(hosts, serverName)
      const ca = authorityOf(serverName)
      try {
        return contextOf(found?.certificate ?? fallback, ca)
      } catch (error) {
        report(`the certificate of ${serverName}: ${error instanceof Error ? error.message : String(error)}`)
        return contextOf(fallback, ca)
      }
    },
    passthroughOf: (serverName) => lookUp(passthrough, serverName)?.backend,
    clientsOf: (host) => lookUp(clients, host)?.certificates,
    listenerOf: (host) => lookUp(listeners, host),
    asks: (serverName) => {
      if (lookUp(listeners, serverName)?.clients?.verify === 'required') return 'required'
      return authorityOf(serverName) === undefined ? 'none' : 'asked'
    },
    nameless: () => {
      const found = hosts.get('')?.certificate ?? fallback
      if (!found) throw new Error('TLS was not configured')
      return { ...found, ca: authorityOf(undefined) }
    },
  }
}
