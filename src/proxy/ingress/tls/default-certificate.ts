/** The certificate for hosts that have none: nobody vouches for it, as clients will say. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthority, issueCertificate, validFor } from '../../../api/certificates.ts'
import { writeFileAtomic } from '../../../host/files.ts'
import type { Certificate } from './server-tls.ts'

const days = 397
const renewMs = 30 * 86_400_000
const name = 'Podway Ingress default certificate'

/** Its authority is forgotten at once. */
const make = async (): Promise<Certificate> => {
  const validity = validFor(days, Date.now())
  const authority = await createAuthority(name, validity)
  const { cert, key } = await issueCertificate(
    authority,
    { commonName: name, organizations: ['Podway'], dnsNames: ['ingress.podway.local'] },
    validity,
  )
  return { certificate: cert, key }
}

const readKept = async (file: string): Promise<Certificate | undefined> => {
  try {
    const [certificate = '', key = ''] = (await readFile(file, 'utf8')).split(/(?=-----BEGIN PRIVATE KEY-----)/)
    const isFresh = Date.parse(new X509Certificate(certificate).validTo) - Date.now() > renewMs
    return isFresh && key !== '' ? { certificate, key } : undefined
  } catch {
    // The first start, or a file that is none: a new one is as good.
    return undefined
  }
}

/** Made once and kept in `folder`; made anew when it is about to end. Without a folder it lives as long as the process. */
export const defaultCertificate = async (folder: string | undefined): Promise<Certificate> => {
  if (folder === undefined) return make()
  const file = join(folder, 'ingress-default.pem')
  const kept = await readKept(file)
  if (kept) return kept
  const made = await make()
  await writeFileAtomic(file, `${made.certificate}${made.key}`, 0o600)
  return made
}
