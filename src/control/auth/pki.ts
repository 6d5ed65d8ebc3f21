/** The cluster's keys and certificates on disk: made once, renewed when they end or no longer fit. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createAuthority,
  type Identity,
  issueCertificate,
  isUsable,
  type KeyPair,
  validFor,
} from '../../api/certificates.ts'
import { writeFileAtomic } from '../../host/files.ts'

export interface Pki {
  readonly authority: KeyPair
  /** What the API server shows. */
  readonly server: KeyPair
  /** What the control plane shows to agents. */
  readonly client: KeyPair
  readonly admin: KeyPair
}

const authorityDays = 3650
const leafDays = 365

const readPair = async (folder: string, name: string): Promise<KeyPair | undefined> => {
  try {
    const [cert, key] = await Promise.all(
      [`${name}.crt`, `${name}.key`].map((file) => readFile(join(folder, file), 'utf8')),
    )
    return cert && key ? { cert, key } : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const writePair = async (folder: string, name: string, { cert, key }: KeyPair): Promise<void> => {
  await writeFileAtomic(join(folder, `${name}.key`), key)
  await writeFileAtomic(join(folder, `${name}.crt`), cert, 0o644)
}

export interface PkiOptions {
  readonly folder: string
  readonly server: Identity
  readonly client: Identity
  readonly admin: Identity
  readonly now: number
}

/** Reads what is there and makes what is missing, ends within 30 days, or lacks a name. */
export const openPki = async ({ folder, now, ...identities }: PkiOptions): Promise<Pki> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const open = async (name: string, isGood: (pair: KeyPair) => boolean, make: () => Promise<KeyPair>) => {
    const known = await readPair(folder, name)
    if (known && isGood(known)) return known
    const made = await make()
    await writePair(folder, name, made)
    return made
  }
  const authority = await open(
    'ca',
    () => true,
    () => createAuthority('podway', validFor(authorityDays, now)),
  )
  const leaf = (name: string, identity: Identity) =>
    open(
      name,
      ({ cert }) => isUsable(cert, identity, authority.cert, now),
      () => issueCertificate(authority, identity, validFor(leafDays, now)),
    )
  return {
    authority,
    server: await leaf('server', identities.server),
    client: await leaf('control', identities.client),
    admin: await leaf('admin', identities.admin),
  }
}
