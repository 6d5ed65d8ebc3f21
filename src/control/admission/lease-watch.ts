/** Whether the holder of a node's Lease still renews it, by our own clock: nodes with a wrong one are judged as well. */
import type { Clock } from '../../api/clock.ts'
import type { Lease } from '../../api/types/index.ts'

export interface LeaseWatch {
  /** To be called for every Lease at the start, and whenever one changes. */
  see(lease: Lease): void
  /** Who holds it, in words; undefined when nobody does, or the holder has been silent for longer than it promised. */
  liveHolder(lease: Lease | undefined): string | undefined
}

const defaultSeconds = 10

export const createLeaseWatch = (clock: Clock): LeaseWatch => {
  const seen = new Map<string, { readonly sign: string; readonly at: number }>()
  const see = ({ metadata, spec }: Lease): number => {
    const sign = `${spec?.holderIdentity} ${spec?.renewTime}`
    const known = seen.get(metadata.name)
    if (known?.sign === sign) return known.at
    const at = clock.now()
    seen.set(metadata.name, { sign, at })
    return at
  }
  return {
    see: (lease) => void see(lease),
    liveHolder: (lease) => {
      const { holderIdentity, leaseDurationSeconds = defaultSeconds } = lease?.spec ?? {}
      if (!lease || !holderIdentity) return undefined
      const silentMs = clock.now() - see(lease)
      if (silentMs >= leaseDurationSeconds * 1000) return undefined
      return `its lease is held by ${holderIdentity} and was renewed ${Math.round(silentMs / 1000)} s ago`
    },
  }
}
