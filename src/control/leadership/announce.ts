/** An API server tells the others that it is there, until it ends. */
import { createHash } from 'node:crypto'
import type { Client } from '../../api/client.ts'
import { type Clock, formatMicroTime, sleep } from '../../api/clock.ts'
import { isAlreadyExists, isNotFound } from '../../api/errors.ts'
import { leases } from '../../api/resources.ts'
import type { Logger } from '../../host/log.ts'
import type { ServerPlace } from '../bootstrap/bootstrap.ts'
import { placeAnnotation, placeText, serverLabel } from './servers.ts'

const namespace = 'kube-system'
const renewMs = 3_000
const durationSeconds = 10

/** One for each place: a server that starts again goes on with its own. */
const leaseName = (place: ServerPlace): string =>
  `podway-api-${createHash('sha256').update(placeText(place)).digest('hex').slice(0, 16)}`

export interface AnnounceOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly identity: string
  readonly place: ServerPlace
}

/** Runs until `signal` aborts; then nobody is sent here any more. */
export const announceServer = async (
  { client, clock, log, identity, place }: AnnounceOptions,
  signal: AbortSignal,
): Promise<void> => {
  const metadata = {
    ...{ name: leaseName(place), namespace },
    labels: { [serverLabel]: '' },
    annotations: { [placeAnnotation]: placeText(place) },
  }
  const renew = async (): Promise<void> => {
    const time = formatMicroTime(clock.now())
    const spec = { holderIdentity: identity, leaseDurationSeconds: durationSeconds, renewTime: time }
    try {
      await client.patch(leases, { metadata }, { metadata, spec })
    } catch (error) {
      if (!isNotFound(error)) throw error
      await client.create(leases, { metadata, spec: { ...spec, acquireTime: time } })
    }
  }
  while (!signal.aborted) {
    try {
      await renew()
    } catch (error) {
      if (!isAlreadyExists(error)) log.warn({ err: error }, 'cannot tell that this API server is there; trying again')
    }
    await sleep(renewMs, signal, clock)
  }
  await client.delete(leases, { metadata }).catch((error: unknown) => {
    if (!isNotFound(error))
      log.warn({ err: error }, 'cannot take back that this API server is there: clients try it for a while')
  })
}
