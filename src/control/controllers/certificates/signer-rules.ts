/** What each signer signs: subjects, names and usages (the rules that Kubernetes documents for them). Pure. */
import type { CertificateUsage, Identity } from '../../../api/certificates.ts'
import { clientSigner, kubeletClientSigner, kubeletServingSigner } from '../../../api/signers.ts'
import { controlUserName, nodesGroup, nodeUserPrefix } from '../../../api/users.ts'
import { mastersGroup } from '../../auth/user.ts'

interface SignerRule {
  readonly usage: CertificateUsage
  /** Beside `digital signature` and `key encipherment`, which go with any. */
  readonly needs: 'client auth' | 'server auth'
  /** Why it does not sign for such an identity; undefined when it does. */
  readonly wrong: (identity: Identity) => string | undefined
}

const isNode = ({ commonName, organizations = [] }: Identity): boolean =>
  commonName.startsWith(nodeUserPrefix) &&
  commonName.length > nodeUserPrefix.length &&
  organizations.length === 1 &&
  organizations[0] === nodesGroup

const hasNames = ({ dnsNames = [], addresses = [] }: Identity): boolean => dnsNames.length + addresses.length > 0

const notANode = `subject must be O=${nodesGroup}, CN=${nodeUserPrefix}NAME`

const nodeClient: SignerRule = {
  ...{ usage: 'client', needs: 'client auth' },
  wrong: (identity) => {
    if (!isNode(identity)) return notANode
    return hasNames(identity) ? 'DNS names and IP addresses are not allowed' : undefined
  },
}

const nodeServing: SignerRule = {
  ...{ usage: 'server', needs: 'server auth' },
  wrong: (identity) => {
    if (!isNode(identity)) return notANode
    return hasNames(identity) ? undefined : 'a DNS name or an IP address is required'
  },
}

const anyClient: SignerRule = {
  ...{ usage: 'client', needs: 'client auth' },
  wrong: ({ commonName, organizations = [] }) =>
    organizations.includes(mastersGroup) || commonName === controlUserName
      ? `O=${mastersGroup} and CN=${controlUserName} are not signed for anybody`
      : undefined,
}

const rules: ReadonlyMap<string, SignerRule> = new Map([
  [kubeletClientSigner, nodeClient],
  [kubeletServingSigner, nodeServing],
  [clientSigner, anyClient],
])

export const isKnownSigner = (signerName: string): boolean => rules.has(signerName)

/** What the certificate is good for. Throws for a signer that is not ours. */
export const usageOf = (signerName: string): CertificateUsage => {
  const rule = rules.get(signerName)
  if (!rule) throw new Error(`there is no signer ${signerName}`)
  return rule.usage
}

/** Why a signer refuses a request; undefined when it does not. */
export const signerRefuses = (
  signerName: string,
  identity: Identity,
  usages: readonly string[] = [],
): string | undefined => {
  const rule = rules.get(signerName)
  if (!rule) return `there is no signer ${signerName}`
  const known = ['digital signature', 'key encipherment', rule.needs]
  const strange = usages.find((usage) => !known.includes(usage))
  if (strange !== undefined) return `usage ${JSON.stringify(strange)} is not allowed`
  const missing = ['digital signature', rule.needs].find((usage) => !usages.includes(usage))
  return missing === undefined ? rule.wrong(identity) : `usage ${JSON.stringify(missing)} is required`
}
