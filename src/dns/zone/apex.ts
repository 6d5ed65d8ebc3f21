/** What every cluster zone holds beside Services: SOA, NS and its glue, the version of the schema. Pure. */
import { addressRecord, nsRecord, soaRecord, txtRecord, type ZoneRecord } from './records.ts'

export interface ApexOptions {
  /** `cluster.local` */
  readonly zone: string
  /** Where this server answers. */
  readonly addresses: readonly string[]
  readonly serial: number
  /** How long clients may remember that there is no such name. */
  readonly negativeTtl: number
}

export const apexRecords = ({ zone, addresses, serial, negativeTtl }: ApexOptions): readonly ZoneRecord[] => {
  const primary = `ns.dns.${zone}`
  return [
    soaRecord(zone, { primary, contact: `hostmaster.${zone}`, serial, negativeTtl }),
    nsRecord(zone, primary),
    ...addresses.map((address) => addressRecord(primary, address)),
    txtRecord(`dns-version.${zone}`, '1.1.0'),
  ]
}

/** Names that exist though nothing may be in them: a search goes on below. */
export const emptyNames = (zone: string): readonly string[] => [`svc.${zone}`, `pod.${zone}`]
