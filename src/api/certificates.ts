/**
 * The certificates that servers and clients of one cluster trust each other by: one authority (ECDSA P-256), and what it
 * signs. Everything in and out is PEM. The library is loaded when first needed: most runs of most daemons make none.
 */
import 'reflect-metadata'
import { createHash, randomBytes, webcrypto, X509Certificate } from 'node:crypto'

export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** Who a certificate is for: `CN` is the user name, `O` the groups, the names are where a server answers. */
export interface Identity {
  readonly commonName: string
  readonly organizations?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly addresses?: readonly string[]
}

interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
/** What a certificate is good for: one that serves is no way in, and the other way round. RFC 5280, section 4.2.1.12. */
export type CertificateUsage = 'client' | 'server'

const extendedKeyUsages: Readonly<Record<CertificateUsage, string>> = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
}
const dayMs = 86_400_000
/** Clocks of machines in one cluster may differ by this much; by less where certificates are short-lived. */
const skewMs = 5 * 60_000

const library = () => import('@peculiar/x509')

/** From a little before `now`, for so many seconds. */
export const validForSeconds = (seconds: number, now: number): Validity => ({
  notBefore: new Date(now - Math.min(skewMs, seconds * 100)),
  notAfter: new Date(now + seconds * 1000),
})

/** From a little before `now`, for so many days. */
export const validFor = (days: number, now: number): Validity => validForSeconds((days * dayMs) / 1000, now)

const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> => {
  const { PemConverter } = await library()
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}

const importKey = async (pem: string): Promise<webcrypto.CryptoKey> => {
  const { PemConverter } = await library()
  return webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), algorithm, true, ['sign'])
}

const subjectOf = ({ commonName, organizations = [] }: Identity) => [
  ...organizations.map((organization) => ({ O: [organization] })),
  { CN: [commonName] },
]

const namesOf = ({ dnsNames = [], addresses = [] }: Identity) => [
  ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
  ...addresses.map((value) => ({ type: 'ip' as const, value })),
]

const serial = (): string =>
  randomBytes(16)
    .toString('hex')
    .replace(/^[89a-f]/, '1')

/** A new authority, which signs certificates and nothing else. */
export const createAuthority = async (commonName: string, validity: Validity): Promise<KeyPair> => {
  const x509 = await library()
  const keys = await newKeys()
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: subjectOf({ commonName }),
    keys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: `${cert.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

const sign = async (
  authority: KeyPair,
  identity: Identity,
  publicKey: webcrypto.CryptoKey,
  validity: Validity,
  usage: CertificateUsage,
): Promise<string> => {
  const x509 = await library()
  const issuer = new x509.X509Certificate(authority.cert)
  const names = namesOf(identity)
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: subjectOf(identity),
    issuer: issuer.subjectName,
    publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([extendedKeyUsages[usage]]),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return `${cert.toString('pem')}\n`
}

/** A key and its certificate. */
export const issueCertificate = async (
  authority: KeyPair,
  identity: Identity,
  validity: Validity,
  usage: CertificateUsage,
): Promise<KeyPair> => {
  const keys = await newKeys()
  return {
    cert: await sign(authority, identity, keys.publicKey, validity, usage),
    key: await exportKey(keys.privateKey),
  }
}

/** A key that stays here, and the request to have its public half certified. */
export const createSigningRequest = async (
  identity: Identity,
): Promise<{ readonly csr: string; readonly key: string }> => {
  const x509 = await library()
  const keys = await newKeys()
  const names = namesOf(identity)
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subjectOf(identity),
    keys,
    signingAlgorithm: algorithm,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  })
  return { csr: `${request.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

/** Whom a request asks a certificate for. Throws for one that is not signed by its own key, or asks for anything else. */
export const readSigningRequest = async (csr: string): Promise<Identity> => {
  const x509 = await library()
  const request = new x509.Pkcs10CertificateRequest(csr)
  if (!(await request.verify())) throw new Error('the certificate request is not signed by its own key')
  const { subjectName } = request
  const [commonName, ...more] = subjectName.getField('CN')
  const organizations = subjectName.getField('O')
  const parts = subjectName.toJSON().flatMap((part) => Object.values(part).flat()).length
  if (commonName === undefined || more.length > 0 || parts !== 1 + organizations.length)
    throw new Error('the subject of the certificate request is not one CN and any number of O')
  const names = request.extensions.flatMap((extension) =>
    extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.items : [],
  )
  const strange = names.find(({ type }) => type !== 'dns' && type !== 'ip')
  if (strange) throw new Error(`names of type ${strange.type} are not certified`)
  const valuesOf = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value)
  return { commonName, organizations, dnsNames: valuesOf('dns'), addresses: valuesOf('ip') }
}

/** Certifies the key of a request as `identity`: what the request says of itself is not taken over. Throws when unsigned. */
export const signRequest = async (
  authority: KeyPair,
  csr: string,
  identity: Identity,
  validity: Validity,
  usage: CertificateUsage,
): Promise<string> => {
  const x509 = await library()
  const request = new x509.Pkcs10CertificateRequest(csr)
  if (!(await request.verify())) throw new Error('the certificate request is not signed by its own key')
  const publicKey = await request.publicKey.export()
  return sign(authority, identity, publicKey, validity, usage)
}

/** A certificate of a connection, in PEM. */
export const pemOf = (raw: Buffer): string => new X509Certificate(raw).toString()

/** SHA-256 of a certificate's DER form, in hex: what a join token remembers of the authority. */
export const certificateHash = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')

/** When a certificate begins and ends, in milliseconds since 1970. Throws for what is none. */
export const validityOf = (pem: string): { readonly from: number; readonly to: number } => {
  const cert = new X509Certificate(pem)
  return { from: Date.parse(cert.validFrom), to: Date.parse(cert.validTo) }
}

/** Whether a certificate still serves: for this use and all these names, from this authority, for some time to come. */
export const isUsable = (
  pem: string,
  identity: Identity,
  authority: string,
  now: number,
  usage: CertificateUsage,
  marginMs = 30 * dayMs,
): boolean => {
  const cert = new X509Certificate(pem)
  return (
    cert.keyUsage?.join() === extendedKeyUsages[usage] &&
    cert.toLegacyObject().subject.CN === identity.commonName &&
    Date.parse(cert.validTo) - now > marginMs &&
    cert.checkIssued(new X509Certificate(authority)) &&
    (identity.dnsNames ?? []).every((name) => cert.checkHost(name) !== undefined) &&
    (identity.addresses ?? []).every((address) => cert.checkIP(address) !== undefined)
  )
}
