/** The numbers of DNS that are used here (RFC 1035, 2136, 3596, 2782, 6891). */

export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

const typeNames: ReadonlyMap<number, string> = new Map(Object.entries(types).map(([name, number]) => [number, name]))

/** `AAAA`; undefined for a type that is not among these. */
export const typeName = (type: number): string | undefined => typeNames.get(type)

export const classIn = 1

export const rcodes = {
  ok: 0,
  malformed: 1,
  failed: 2,
  noName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const

const rcodeNames = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const

/** As people write result codes; undefined for those that are not used here. */
export const rcodeName = (rcode: number): string | undefined => rcodeNames[rcode]

/** Bits of the header's second word. */
export const flags = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  wanted: 0x0100,
  available: 0x0080,
  authentic: 0x0020,
  checking: 0x0010,
} as const

/** In the lower half of an OPT record's time to live: DNSSEC records are wanted. */
export const secureBit = 0x8000

export const headerBytes = 12
/** An OPT record without options. */
export const optionBytes = 11
/** Without EDNS a UDP answer may be no longer. */
export const plainLimit = 512
/** With EDNS no UDP answer is longer: more is lost on some ways. */
export const ednsLimit = 1232
export const tcpLimit = 65_535
