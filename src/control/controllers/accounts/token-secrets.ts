/**
 * Secrets of type kubernetes.io/service-account-token: filled, and gone with their account. Each account has one of its own,
 * listed in its `secrets`, as clients from before TokenRequest expect.
 */
import { deepEqual } from '../../../api/deep-equal.ts'
import { isNamespaceTerminating, isNotFound } from '../../../api/errors.ts'
import { objectKey, secrets, serviceAccounts } from '../../../api/resources.ts'
import type { Secret } from '../../../api/types/index.ts'
import type { ServiceAccount } from '../../../api/types/kubernetes/core-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { accountNameAnnotation, accountUidAnnotation, tokenSecretType } from '../../resources/core/token-secret.ts'
import type { CreateController } from '../controller.ts'

const name = 'tokens-controller'

const accountOf = ({ metadata: { annotations } }: Secret): string => annotations?.[accountNameAnnotation] ?? ''

const encode = (text: string): string => Buffer.from(text).toString('base64')
const decode = (text: string): string => Buffer.from(text, 'base64').toString()

/** Whether a Secret is one of this account, and not of another one that had the name before. */
const isOf = (secret: Secret, { metadata }: ServiceAccount): boolean => {
  const uid = secret.metadata.annotations?.[accountUidAnnotation]
  return (
    secret.type === tokenSecretType &&
    secret.metadata.namespace === metadata.namespace &&
    accountOf(secret) === metadata.name &&
    (uid === undefined || uid === metadata.uid)
  )
}

const isMissing = (error: unknown): undefined => {
  if (!isNotFound(error)) throw error
  return undefined
}

export const createTokenSecretController: CreateController = (context) => {
  const { client, informers, settings } = context
  const { secretTokens, certificates } = settings
  const secretCopies = informers.of(secrets)
  const accountCopies = informers.of(serviceAccounts)

  /** Asked, not looked up: a copy that lags behind would make second Secrets, or delete those of new accounts. */
  const askFor = (key: string): Promise<ServiceAccount | undefined> => {
    const [namespace, accountName = ''] = key.split('/')
    return client.get(serviceAccounts, accountName, namespace).catch(isMissing)
  }

  const tokenSecretsOf = (namespace: string | undefined): readonly Secret[] =>
    secretCopies.by('namespace', namespace ?? '').filter(({ type }) => type === tokenSecretType)

  const fill = async (secret: Secret, account: ServiceAccount): Promise<void> => {
    const { name: secretName, namespace = '', uid } = secret.metadata
    const subject = { name: account.metadata.name, uid: account.metadata.uid ?? '' }
    const kept = decode(secret.data?.['token'] ?? '')
    const isGood = kept !== '' && (await secretTokens.isGood(kept, namespace, subject, secretName))
    const token = isGood ? kept : await secretTokens.issue(namespace, subject, secretName)
    const data = { 'ca.crt': encode(certificates.authority.cert), namespace: encode(namespace), token: encode(token) }
    const annotations = { [accountUidAnnotation]: subject.uid }
    const isFilled =
      deepEqual({ ...secret.data, ...data }, secret.data) &&
      secret.metadata.annotations?.[accountUidAnnotation] === subject.uid
    if (!isFilled) await client.patch(secrets, secret, { metadata: { uid, annotations }, data })
  }

  const remove = async (secret: Secret): Promise<void> => {
    const { uid = '' } = secret.metadata
    await client.delete(secrets, secret, { preconditions: { uid } }).catch(isMissing)
  }

  const syncSecret = async (key: string): Promise<void> => {
    const secret = secretCopies.get(key)
    if (secret?.type !== tokenSecretType || secret.metadata.deletionTimestamp !== undefined) return
    const account = await askFor(`${secret.metadata.namespace}/${accountOf(secret)}`)
    if (account && isOf(secret, account)) await fill(secret, account)
    else await remove(secret)
  }

  const makeSecret = async ({ metadata }: ServiceAccount): Promise<Secret> => {
    const annotations = { [accountNameAnnotation]: metadata.name, [accountUidAnnotation]: metadata.uid ?? '' }
    return client.create(secrets, {
      metadata: { name: '', generateName: `${metadata.name}-token-`, namespace: metadata.namespace ?? '', annotations },
      type: tokenSecretType,
    })
  }

  /** The first of its Secrets that is there, or a new one. */
  const ownSecret = async (account: ServiceAccount): Promise<Secret> => {
    const { namespace } = account.metadata
    for (const { name: secretName } of account.secrets ?? []) {
      if (!secretName) continue
      const found = await client.get(secrets, secretName, namespace).catch(isMissing)
      if (found && isOf(found, account)) return found
    }
    // One that was made before somebody ended us, and is not listed yet.
    const prefix = `${account.metadata.name}-token-`
    const made = tokenSecretsOf(namespace).find(
      (secret) =>
        secret.metadata.generateName === prefix &&
        secret.metadata.deletionTimestamp === undefined &&
        isOf(secret, account),
    )
    return made ?? makeSecret(account)
  }

  const syncAccount = async (key: string): Promise<void> => {
    const account = await askFor(key)
    if (!account) {
      const [namespace, accountName] = key.split('/')
      for (const secret of tokenSecretsOf(namespace))
        if (accountOf(secret) === accountName) queue.add(`secret ${objectKey(secret)}`)
      return
    }
    if (account.metadata.deletionTimestamp !== undefined) return
    const own = await ownSecret(account)
    const isListed = account.secrets?.some((each) => each.name === own.metadata.name)
    const lost = await lostSecrets(account)
    if (isListed && lost.size === 0) return
    const kept = (account.secrets ?? []).filter((each) => !lost.has(each.name ?? ''))
    await client.patch(serviceAccounts, account, {
      metadata: { resourceVersion: account.metadata.resourceVersion },
      secrets: isListed ? kept : [...kept, { name: own.metadata.name }],
    })
  }

  /** Of the Secrets that it lists, those that were ours and are gone. Others may be there only later. */
  const lostSecrets = async ({ metadata, secrets: listed = [] }: ServiceAccount): Promise<ReadonlySet<string>> => {
    const lost = new Set<string>()
    for (const { name: secretName = '' } of listed) {
      if (!secretName.startsWith(`${metadata.name}-token-`)) continue
      if (!(await client.get(secrets, secretName, metadata.namespace).catch(isMissing))) lost.add(secretName)
    }
    return lost
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const [kind, object = ''] = key.split(' ')
    try {
      await (kind === 'secret' ? syncSecret(object) : syncAccount(object))
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error
    }
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)
  return {
    name,
    run: (signal) => {
      accountCopies.onChange((key) => queue.add(`account ${key}`), signal)
      secretCopies.onChange((key, current, previous) => {
        const secret = current ?? previous
        if (secret?.type !== tokenSecretType) return
        if (current) queue.add(`secret ${key}`)
        else queue.add(`account ${secret.metadata.namespace}/${accountOf(secret)}`)
      }, signal)
      return queue.run(signal)
    },
  }
}
