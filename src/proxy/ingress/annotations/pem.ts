/** Certificates and keys in PEM, looked at before they are used. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const blocks = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** Why a text is no certificate, or no chain of them; undefined when it is. */
export const certificateProblem = (pem: string): string | undefined => {
  const found = pem.match(blocks) ?? []
  if (found.length === 0) return 'holds no certificate in PEM'
  try {
    for (const block of found) new X509Certificate(block)
    return undefined
  } catch (error) {
    return `holds a broken certificate: ${messageOf(error)}`
  }
}

const readKey = (pem: string): KeyObject | string => {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    return messageOf(error)
  }
}

/** Why a certificate and a private key are no pair that TLS can be served with. */
export const keyPairProblem = (certificate: string | undefined, key: string | undefined): string | undefined => {
  if (certificate === undefined) return 'tls.crt is missing'
  if (key === undefined) return 'tls.key is missing'
  const broken = certificateProblem(certificate)
  if (broken !== undefined) return `tls.crt ${broken}`
  const read = readKey(key)
  if (typeof read === 'string') return `tls.key is not a private key in PEM: ${read}`
  return new X509Certificate(certificate).checkPrivateKey(read) ? undefined : 'tls.key does not belong to tls.crt'
}
