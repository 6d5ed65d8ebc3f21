/** What TLS entries are told: certificates instead of the names of the Secrets that hold them. */

import type { Data } from './data/named-data.ts'
import type { TlsView } from './routes/routing.ts'
import { readKeyPair } from './tls/key-pair.ts'
import type { Certificate, TlsConfiguration } from './tls/server-tls.ts'

export interface CertificateProblem {
  /** `namespace/name`. */
  readonly ingress: string
  readonly message: string
}

export interface Certificates {
  /** The whole TLS configuration; hosts whose Secret is missing or broken are left to the default certificate. */
  configure(
    view: TlsView,
    fallback: Certificate,
  ): {
    readonly configuration: TlsConfiguration
    readonly problems: readonly CertificateProblem[]
  }
}

export const createCertificates = (secret: (key: string) => Data | undefined): Certificates => {
  /** Reading a key pair takes a millisecond: each is read once. */
  const read = new WeakMap<Data, ReturnType<typeof readKeyPair>>()
  const pairOf = (data: Data): ReturnType<typeof readKeyPair> => {
    const known = read.get(data)
    if (known) return known
    const pair = readKeyPair(data['tls.crt'], data['tls.key'])
    read.set(data, pair)
    return pair
  }

  return {
    configure: ({ hosts, passthrough, clients }, fallback) => {
      const problems: CertificateProblem[] = []
      const shown = hosts.flatMap(({ host, secret: key, ingress }) => {
        if (key === undefined) return []
        const data = secret(key)
        const pair = data ? pairOf(data) : { problem: 'it does not exist' }
        if (!('problem' in pair)) return [{ host, certificate: pair }]
        const message = `Secret ${key} for host "${host}": ${pair.problem}; the default certificate is shown`
        problems.push({ ingress, message })
        return []
      })
      return { configuration: { fallback, hosts: shown, passthrough, clients, listeners: [] }, problems }
    },
  }
}
