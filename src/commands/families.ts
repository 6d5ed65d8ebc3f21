/** Options that take one value, or one for each IP family with a comma between. */
import { type IpFamily, parseAddress } from '../ip/address.ts'
import { parseCidr } from '../ip/cidr.ts'
import { UsageError } from './usage-error.ts'

const split = <T extends { readonly family: IpFamily }>(
  text: string,
  option: string,
  parse: (part: string) => T | undefined,
  expected: string,
): readonly T[] => {
  const parts = text.split(',').map((part) => parse(part.trim()))
  const found = parts.filter((part) => part !== undefined)
  const families = new Set(found.map(({ family }) => family))
  if (found.length !== parts.length || families.size !== found.length)
    throw new UsageError(`${option} ${text}: expected ${expected}, or two of different families with a comma between`)
  return found
}

/** Networks as text, at most one of each family, in their order. */
export const cidrsOption = (text: string, option: string): readonly string[] =>
  split(text, option, parseCidr, 'a network such as 10.244.0.0/16').map(({ text }) => text)

export const addressesOption = (text: string, option: string): readonly string[] =>
  split(text, option, parseAddress, 'an address such as 192.0.2.10').map(({ text }) => text)
