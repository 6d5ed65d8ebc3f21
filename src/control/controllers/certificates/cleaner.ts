/** Deletes what is over: join tokens that have expired, and requests for certificates that nobody will ask about again. */
import { readBootstrapToken } from '../../../api/bootstrap-token.ts'
import { certificateSigningRequests, secrets, splitKey } from '../../../api/resources.ts'
import type { CertificateSigningRequest } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { CreateController } from '../controller.ts'

const hourMs = 3_600_000

/** When it is to go. kube-controller-manager's times: what is decided is kept for an hour since then, what waits for a day. */
export const goesAt = ({ metadata, status }: CertificateSigningRequest): number => {
  const madeAt = Date.parse(metadata.creationTimestamp ?? '') || 0
  const decided = (status?.conditions ?? [])
    .filter(({ type }) => ['Approved', 'Denied', 'Failed'].includes(type))
    .map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? '') || madeAt)
  return decided.length > 0 ? Math.max(...decided) + hourMs : madeAt + 24 * hourMs
}

export const createCsrCleaner: CreateController = (context) => {
  const { client, informers, clock } = context
  const copies = informers.of(certificateSigningRequests)

  const reconcile = async (key: string): Promise<Outcome> => {
    const request = copies.get(key)
    if (!request) return 'done'
    const leftMs = goesAt(request) - clock.now()
    if (leftMs > 0) return { againInMs: leftMs }
    const { uid = '', resourceVersion = '' } = request.metadata
    // The version: somebody may have decided it a moment ago.
    await client.delete(certificateSigningRequests, request, { preconditions: { uid, resourceVersion } })
    return 'done'
  }

  const name = 'csr-cleaner-controller'
  const queue = createQueue(context, name, reconcile)
  return {
    name,
    run: (signal) => {
      copies.onChange((key) => queue.add(key))
      return queue.run(signal)
    },
  }
}

/** Timers of the runtime count no further than this. */
const longestMs = 24 * hourMs

export const createTokenCleaner: CreateController = (context) => {
  const { client, informers, clock, log } = context
  const copies = informers.of(secrets)

  const reconcile = async (key: string): Promise<Outcome> => {
    const secret = copies.get(key)
    const token = secret && readBootstrapToken(secret)
    if (token?.expiresAt === undefined) return 'done'
    const leftMs = token.expiresAt - clock.now()
    if (leftMs > 0) return { againInMs: Math.min(leftMs, longestMs) }
    log.info({ token: token.id }, 'join token expired: deleted')
    await client.delete(secrets, { metadata: splitKey(key) }, { preconditions: { uid: secret?.metadata.uid ?? '' } })
    return 'done'
  }

  const name = 'token-cleaner'
  const queue = createQueue(context, name, reconcile)
  return {
    name,
    run: (signal) => {
      copies.onChange((key, secret) => {
        if (secret && readBootstrapToken(secret)) queue.add(key)
      })
      return queue.run(signal)
    },
  }
}
