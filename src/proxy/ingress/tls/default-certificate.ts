/** The certificate for hosts that have none: nobody vouches for it, as clients will say. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { createAuthority, issueCertificate, validFor } from '../../../api/certificates.ts'
import { readOrSetAside } from '../../../host/durable-file.ts'
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
    'server',
  )
  return { certificate: cert, key }
}

const parsePair = (text: string): Certificate => {
  const [certificate = '', key = ''] = text.split(/(?=-----BEGIN PRIVATE KEY-----)/)
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
    throw new Error('its key is not the one of its certificate')
  return { certificate, key }
}

const isFresh = ({ certificate }: Certificate): boolean =>
  Date.parse(new X509Certificate(certificate).validTo) - Date.now() > renewMs

/** Made once and kept in `folder`; made anew when it is about to end. Without a folder it lives as long as the process. */
export const defaultCertificate = async (
  folder: string | undefined,
  onDamage: (message: string) => void,
): Promise<Certificate> => {
  if (folder === undefined) return make()
  const file = join(folder, 'ingress-default.pem')
  const kept = await readOrSetAside(file, parsePair, onDamage)
  if (kept && isFresh(kept)) return kept
  const made = await make()
  await writeFileAtomic(file, `${made.certificate}${made.key}`, 0o600)
  return made
}
