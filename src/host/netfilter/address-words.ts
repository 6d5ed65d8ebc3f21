/** Addresses and ranges as words of rules, written as iptables-save writes them. */
import { addressWith, bitsPerDigit, type IpAddress, type IpFamily, joinHostPort } from '../../ip/address.ts'
import { type Cidr, hostCidr } from '../../ip/cidr.ts'
import { type Argument, always, argument, count, type Rule, rule } from './rule.ts'

/** `10.96.0.0/12` for `0a6`: all addresses that start with the digits. */
export const prefixWord = (digits: string, family: IpFamily): Argument =>
  argument(`${addressWith(digits, family).text}/${digits.length * bitsPerDigit}`)

export const rangeWord = ({ text }: Cidr): Argument => argument(text)

/** One address as a range: `10.1.0.2/32`. */
export const hostWord = ({ text }: IpAddress): Argument => argument(hostCidr(text))

export type Side = '-s' | '-d'

/** `-s 10.1.0.0/24`, or nothing for a range that is everything: iptables does not print those. */
export const rangeMatch = (side: Side, range: Cidr): Rule =>
  range.bits === 0 ? always : side === '-s' ? rule`-s ${rangeWord(range)}` : rule`-d ${rangeWord(range)}`

/** Where a connection is sent: `10.1.0.2:8080`, `[fd00::2]:8080`. */
export const destinationWord = ({ text }: IpAddress, port: number): Argument =>
  argument(joinHostPort(text, count(port, 1, 65_535)))
