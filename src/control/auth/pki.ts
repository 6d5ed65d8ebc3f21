/** The cluster's keys and certificates on disk: made once, renewed when they end or no longer fit. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  type CertificateUsage,
  createAuthority,
  type Identity,
  issueCertificate,
  isUsable,
  type KeyPair,
  validFor,
} from '../../api/certificates.ts'
import { DamagedFile, readDurable, reportDamage } from '../../host/durable-file.ts'
import { writeFileAtomic } from '../../host/files.ts'
import { openTokenKeys, type TokenKeys } from '../tokens/keys.ts'

export interface Pki {
  readonly authority: KeyPair
  /** What the API server shows. */
  readonly server: KeyPair
  /** What the control plane shows to agents. */
  readonly client: KeyPair
  /** What the API server shows to API servers behind it. */
  readonly frontProxy: KeyPair
  readonly admin: KeyPair
  /** What the tokens of ServiceAccounts are signed by. */
  readonly tokens: TokenKeys
}

const authorityDays = 3650
const leafDays = 365

const parts = ['crt', 'key'] as const

const parseCertificate = (text: string): string => {
  new X509Certificate(text)
  return text
}

const parseKey = (text: string): string => {
  createPrivateKey(text)
  return text
}

/** What was found of a key and its certificate; a half of a pair is as good as damaged. */
type PairRead =
  | { readonly state: 'read'; readonly pair: KeyPair }
  | { readonly state: 'missing' }
  | { readonly state: 'damaged'; readonly file: string; readonly why: string }

const readPair = async (folder: string, name: string): Promise<PairRead> => {
  const fileOf = (part: (typeof parts)[number]): string => join(folder, `${name}.${part}`)
  const cert = await readDurable(fileOf('crt'), parseCertificate)
  const key = await readDurable(fileOf('key'), parseKey)
  if (cert.state === 'missing' && key.state === 'missing') return { state: 'missing' }
  if (key.state === 'damaged') return { state: 'damaged', file: fileOf('key'), why: key.why }
  if (cert.state === 'damaged') return { state: 'damaged', file: fileOf('crt'), why: cert.why }
  if (key.state === 'missing') return { state: 'damaged', file: fileOf('key'), why: 'is gone' }
  if (cert.state === 'missing') return { state: 'damaged', file: fileOf('crt'), why: 'is gone' }
  if (!new X509Certificate(cert.value).checkPrivateKey(createPrivateKey(key.value)))
    return { state: 'damaged', file: fileOf('key'), why: `is not the key of ${name}.crt` }
  return { state: 'read', pair: { cert: cert.value, key: key.value } }
}

const writePair = async (folder: string, name: string, { cert, key }: KeyPair): Promise<void> => {
  await writeFileAtomic(join(folder, `${name}.key`), key)
  await writeFileAtomic(join(folder, `${name}.crt`), cert, 0o644)
}

export interface PkiOptions {
  readonly folder: string
  readonly server: Identity
  readonly client: Identity
  readonly frontProxy: Identity
  readonly admin: Identity
  readonly now: number
  /** Whether the cluster is older than this start: then it has an authority, or has lost it. */
  readonly isFounded: boolean
  /** Told in one sentence of each damaged file that was set aside. */
  readonly onDamage: (message: string) => void
}

/** Everybody in the cluster knows it by its authority: a new one in its place would be another cluster. */
const authorityCure =
  'restore ca.crt and ca.key from a backup (every node and kubeconfig trusts this authority); to give this cluster up and start a new one, remove the whole data folder of the control plane'

const openAuthority = async (folder: string, isFounded: boolean, now: number): Promise<KeyPair> => {
  const found = await readPair(folder, 'ca')
  if (found.state === 'read') return found.pair
  if (found.state === 'damaged') throw new DamagedFile(found.file, found.why, authorityCure)
  if (isFounded) throw new DamagedFile(join(folder, 'ca.crt'), 'is gone, and so is ca.key', authorityCure)
  const made = await createAuthority('podway', validFor(authorityDays, now))
  await writePair(folder, 'ca', made)
  return made
}

/** What the authority signs can be made again at any time. */
const setPairAside = async (folder: string, name: string, why: string, onDamage: PkiOptions['onDamage']) => {
  for (const part of parts) {
    const file = join(folder, `${name}.${part}`)
    // A link that leads nowhere is there, too.
    if (lstatSync(file, { throwIfNoEntry: false })) await reportDamage(file, why, onDamage)
  }
}

/**
 * Reads what is there and makes what is missing, ends within 30 days, lacks a name, or is for another use. Throws `DamagedFile` when the
 * authority of a cluster cannot be read.
 */
export const openPki = async ({ folder, now, isFounded, onDamage, ...identities }: PkiOptions): Promise<Pki> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const authority = await openAuthority(folder, isFounded, now)
  const leaf = async (name: string, identity: Identity, usage: CertificateUsage): Promise<KeyPair> => {
    const found = await readPair(folder, name)
    if (found.state === 'read' && isUsable(found.pair.cert, identity, authority.cert, now, usage)) return found.pair
    if (found.state === 'damaged')
      await setPairAside(folder, name, `goes with ${basename(found.file)}, which ${found.why}`, onDamage)
    const made = await issueCertificate(authority, identity, validFor(leafDays, now), usage)
    await writePair(folder, name, made)
    return made
  }
  return {
    authority,
    server: await leaf('server', identities.server, 'server'),
    client: await leaf('control', identities.client, 'client'),
    frontProxy: await leaf('front-proxy', identities.frontProxy, 'client'),
    admin: await leaf('admin', identities.admin, 'client'),
    tokens: await openTokenKeys(folder, onDamage),
  }
}
