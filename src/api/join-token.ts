/**
 * Join tokens: `podway1.HASH.SECRET`. The hash (SHA-256 of the cluster's CA certificate) lets a new node recognise the
 * server before it trusts anything; the secret lets the server recognise the node.
 */
export interface JoinToken {
  readonly caHash: string
  readonly secret: string
}

const prefix = 'podway1'

export const formatJoinToken = ({ caHash, secret }: JoinToken): string => `${prefix}.${caHash}.${secret}`

/** Throws when the text is not a token. */
export const parseJoinToken = (text: string): JoinToken => {
  const [version, caHash = '', secret = '', ...more] = text.trim().split('.')
  if (version !== prefix || !/^[0-9a-f]{64}$/.test(caHash) || secret === '' || more.length > 0)
    throw new Error(`not a join token: expected ${prefix}.<64 hex digits>.<secret>, as "podway token" prints it`)
  return { caHash, secret }
}
