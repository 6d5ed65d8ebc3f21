/**
 * Join tokens: `podway1.HASH.ID.SECRET`. The hash (SHA-256 of the cluster's CA certificate) lets a new node recognise the
 * server before it trusts anything; the rest is a bootstrap token, by which the server recognises the node.
 */
import { type BootstrapToken, parseBootstrapToken } from './bootstrap-token.ts'

interface JoinToken {
  readonly caHash: string
  readonly token: BootstrapToken
}

const prefix = 'podway1'

export const formatJoinToken = ({ caHash, token }: JoinToken): string =>
  `${prefix}.${caHash}.${token.id}.${token.secret}`

/** Throws when the text is not a token; the text itself is not told. */
export const parseJoinToken = (text: string): JoinToken => {
  const [version, caHash = '', ...rest] = text.trim().split('.')
  const token = parseBootstrapToken(rest.join('.'))
  if (version !== prefix || !/^[0-9a-f]{64}$/.test(caHash) || !token)
    throw new Error(
      `not a join token: expected ${prefix}.<64 hex digits>.<id>.<secret>, as "podway token create" prints it`,
    )
  return { caHash, token }
}
