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

/** Bits of the header's second word. */
export const flags = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  wanted: 0x0100,
  available: 0x0080,
  checking: 0x0010,
} as const

export const headerBytes = 12
/** Without EDNS a UDP answer may be no longer. */
export const plainLimit = 512
/** With EDNS no UDP answer is longer: more is lost on some ways. */
export const ednsLimit = 1232
export const tcpLimit = 65_535
