/** Names of pods by their address: `10-244-1-2.default.pod.cluster.local` (CoreDNS, `pods verified`). Pure. */
import { addressRecord, type ZoneRecord } from './records.ts'
import { dashedAddress } from './service-records.ts'

/** What matters of a pod here. */
export interface PodName {
  readonly namespace: string
  readonly addresses: readonly string[]
}

export const podRecords = ({ namespace, addresses }: PodName, zone: string): readonly ZoneRecord[] =>
  addresses.map((address) => addressRecord(`${dashedAddress(address)}.${namespace}.pod.${zone}`, address))
