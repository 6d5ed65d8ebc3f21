/** A relay with a TLS door, and certificates that clients of the tests trust. */
import { connect as connectH2 } from 'node:http2'
import { request } from 'node:https'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { Test } from 'tap'
import {
  type CertificateUsage,
  createAuthority,
  issueCertificate,
  type KeyPair,
  validFor,
} from '../../src/api/certificates.ts'
import type { RelayOptions } from '../../src/proxy/ingress/relay/relay.ts'
import type { Certificate, TlsConfiguration } from '../../src/proxy/ingress/tls/server-tls.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const validity = validFor(2, Date.now())
export const authority = await createAuthority('tests', validity)

/** Signed by the authority of the tests, or by another one. */
export const certificateFor = async (
  dnsName: string,
  by: KeyPair = authority,
  usage: CertificateUsage = 'server',
): Promise<Certificate> => {
  const { cert, key } = await issueCertificate(by, { commonName: dnsName, dnsNames: [dnsName] }, validity, usage)
  return { certificate: cert, key }
}

export const newAuthority = (name: string): Promise<KeyPair> => createAuthority(name, validity)

export const fallback = await certificateFor('default.lab')

export interface TlsFixture extends RelayFixture {
  readonly tlsPort: number
  configure(configuration: Partial<TlsConfiguration>): void
}

/** As `startRelay`, with a door for TLS beside the plain one. */
export const startTlsRelay = async (
  t: Test,
  ports: readonly number[],
  configuration: Partial<TlsConfiguration> = {},
  more: Partial<RelayOptions> = {},
): Promise<TlsFixture> => {
  const fixture = await startRelay(t, ports, {}, {}, more)
  const configure = (changed: Partial<TlsConfiguration>): void =>
    fixture.relay.apply({
      ...{ tables: [], backends: [] },
      tls: [
        {
          entry: 'https',
          configuration: { fallback, hosts: [], passthrough: [], clients: [], listeners: [], ...changed },
        },
      ],
    })
  configure(configuration)
  const { port } = await fixture.relay.listen('https', { address: '127.0.0.1', port: 0, reusePort: false, tls: true })
  return { ...fixture, tlsPort: port, configure }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface Ask {
  readonly host: string
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly client?: Certificate
  /** The name in TLS, when it is not the host; empty for none. */
  readonly servername?: string
  /** The name that the certificate must have, when that is another one. */
  readonly trusts?: string
  readonly body?: string
}

const isFor = (name: string) => (_: string, certificate: PeerCertificate) => checkServerIdentity(name, certificate)

/** One request over HTTP/1.1 and TLS. Rejects when the certificate is not the host's. */
export const askTls = (port: number, ask: Ask): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port, path: ask.path ?? '/', method: ask.method ?? 'GET', agent: false },
        ...{ servername: ask.servername ?? ask.host, ca: authority.cert },
        ...(ask.trusts === undefined ? {} : { checkServerIdentity: isFor(ask.trusts) }),
        ...(ask.client ? { cert: ask.client.certificate, key: ask.client.key } : {}),
        headers: { host: ask.host, ...ask.headers },
      },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (piece) => {
          body += piece
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
      },
    )
    outgoing.on('error', reject).end(ask.body)
  })

/** A client of HTTP/2, until the test ends. */
export const openH2 = (t: Test, port: number, servername: string) => {
  const session = connectH2(`https://127.0.0.1:${port}`, { servername, ca: authority.cert })
  session.on('error', () => {})
  t.teardown(() => session.destroy())
  return session
}
