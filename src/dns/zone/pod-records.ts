/** Names of pods by their address: `10-244-1-2.default.pod.cluster.local` (CoreDNS, `pods verified`). Pure. */
import { addressRecord, type ZoneRecord } from './records.ts'
import { dashedAddress, isAddress } from './service-records.ts'

/** What matters of a pod here. */
export interface PodName {
  readonly namespace: string
  readonly addresses: readonly string[]
}

const sourcePrefix = 'pod:'

/** Pods are sources of records beside Services, whose keys hold no colon. */
export const podSource = (key: string): string => `${sourcePrefix}${key}`

/** The pod's key; undefined for a source that is no pod. */
export const podOfSource = (source: string): string | undefined =>
  source.startsWith(sourcePrefix) ? source.slice(sourcePrefix.length) : undefined

export const podRecords = ({ namespace, addresses }: PodName, zone: string): readonly ZoneRecord[] =>
  addresses
    .filter(isAddress)
    .map((address) => addressRecord(`${dashedAddress(address)}.${namespace}.pod.${zone}`, address))
