/** How API servers behind this one know that it is this one: the front proxy's certificate, and where they read of it. */
import { issueCertificate, type KeyPair, validFor } from '../../api/certificates.ts'
import type { Client } from '../../api/client.ts'
import { type Clock, sleep } from '../../api/clock.ts'
import { isNotFound } from '../../api/errors.ts'
import { configMaps } from '../../api/resources.ts'
import type { Logger } from '../../host/log.ts'

const frontProxyName = 'front-proxy-client'
const days = 30
const renewMs = 7 * 86_400_000

export interface FrontProxyOptions {
  /** Who signs for it: asked at every renewal. */
  readonly authority: () => KeyPair
  readonly clock: Clock
  readonly log: Logger
}

/** The pair as it is now, renewed until `signal` aborts. */
export const openFrontProxy = async (
  { authority, clock, log }: FrontProxyOptions,
  signal: AbortSignal,
): Promise<() => KeyPair> => {
  const issue = (): Promise<KeyPair> =>
    issueCertificate(authority(), { commonName: frontProxyName }, validFor(days, clock.now()), 'client')
  let pair = await issue()
  const renew = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(renewMs, signal, clock)
      if (signal.aborted) return
      try {
        pair = await issue()
      } catch (error) {
        log.error({ err: error }, 'cannot renew the certificate of the front proxy; trying again in a week')
      }
    }
  }
  void renew()
  return () => pair
}

const place = { name: 'extension-apiserver-authentication', namespace: 'kube-system' }

/** Tells them whom to believe. */
export const publishFrontProxy = async (client: Client, ca: string): Promise<void> => {
  const data = {
    'client-ca-file': ca,
    'requestheader-client-ca-file': ca,
    'requestheader-allowed-names': JSON.stringify([frontProxyName]),
    'requestheader-username-headers': '["X-Remote-User"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  }
  try {
    await client.patch(configMaps, { metadata: place }, { data })
  } catch (error) {
    if (!isNotFound(error)) throw error
    await client.create(configMaps, { metadata: place, data })
  }
}
