/** Names for requests, so that one can be followed through the logs of everything it passes. */
import { randomFillSync } from 'node:crypto'

const idBytes = 16
const idDigits = idBytes * 2
const idsPerFill = 256

/** Each call gives 32 random hexadecimal digits. Random bytes are drawn in bulk: asking for 16 costs as much as for 4096. */
export const createRequestIds = (fill: (bytes: Buffer) => void = randomFillSync): (() => string) => {
  const bytes = Buffer.alloc(idBytes * idsPerFill)
  let digits = ''
  let at = 0
  return () => {
    if (at === digits.length) {
      fill(bytes)
      digits = bytes.toString('hex')
      at = 0
    }
    at += idDigits
    return digits.slice(at - idDigits, at)
  }
}

const acceptable = /^[0-9A-Za-z._:=+/@-]{1,128}$/

/** Whether a client's own id may be passed on. */
export const isRequestId = (value: string): boolean => acceptable.test(value)
