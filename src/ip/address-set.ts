/** Many ranges, looked an address up in: one look for each length of prefix that there is, however many ranges. */
import type { IpAddress, IpFamily } from './address.ts'
import { type Cidr, contains } from './cidr.ts'

interface Length {
  readonly family: IpFamily
  /** By the digits that the prefix covers entirely. */
  readonly ranges: ReadonlyMap<string, readonly Cidr[]>
  readonly digits: number
}

/** Whether one of the ranges holds an address. */
export const createAddressSet = (ranges: readonly Cidr[]): ((address: IpAddress) => boolean) => {
  const lengths: readonly Length[] = [...Map.groupBy(ranges, ({ family, bits }) => `${family} ${bits >> 2}`).values()]
    .flatMap(([first, ...rest]) => (first ? [{ first, all: [first, ...rest] }] : []))
    .map(({ first, all }) => {
      const digits = first.bits >> 2
      return { family: first.family, digits, ranges: Map.groupBy(all, (range) => range.digits.slice(0, digits)) }
    })
  return (address) =>
    lengths.some(
      ({ family, digits, ranges }) =>
        family === address.family &&
        ranges.get(address.digits.slice(0, digits))?.some((range) => contains(range, address)) === true,
    )
}
