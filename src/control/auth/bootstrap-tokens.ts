/** Callers with a bootstrap token, looked up in the Secrets of kube-system. */
import { createHash, timingSafeEqual } from 'node:crypto'
import {
  bootstrappersGroup,
  bootstrapTokenName,
  bootstrapTokenNamespace,
  bootstrapUserPrefix,
  parseBootstrapToken,
  readBootstrapToken,
} from '../../api/bootstrap-token.ts'
import type { Clock } from '../../api/clock.ts'
import type { Secret } from '../../api/types/index.ts'
import type { Store } from '../storage/store.ts'
import { type Authenticator, bearerOf } from './authenticate.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compared by digest, so that neither content nor length shows in the time it takes. */
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))

export const bootstrapTokenUsers =
  (store: Store, clock: Clock): Authenticator =>
  (credentials) => {
    const given = parseBootstrapToken(bearerOf(credentials) ?? '')
    if (!given) return undefined
    const name = `${bootstrapTokenNamespace}/${bootstrapTokenName(given.id)}`
    const secret = store.get({ bucket: 'secrets', name })?.object as Secret | undefined
    const token = secret?.metadata.deletionTimestamp === undefined ? secret && readBootstrapToken(secret) : undefined
    if (!token?.isForAuthentication || !isSame(token.secret, given.secret)) return undefined
    if (token.expiresAt !== undefined && token.expiresAt <= clock.now()) return undefined
    return { name: `${bootstrapUserPrefix}${token.id}`, groups: [bootstrappersGroup, ...token.groups] }
  }
