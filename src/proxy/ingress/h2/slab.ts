/**
 * Memory for output. A connection holds some only while it gathers; the rest of a slab goes to the next that needs some,
 * so that idle connections cost nothing. No byte is used twice: a transport may still hold what it was given.
 */
import { frameBytes, frameHeaderBytes } from './frames.ts'

/** Four of the longest frames. */
const slabBytes = 4 * (frameBytes + frameHeaderBytes)

/** A rest that is too small would be used up by the next frames at once. */
const leastRest = 2048

/** As many connections as gather in one turn on a busy machine; more memory is not kept for nothing. */
const mostSpares = 64

const spares: Buffer[] = []

/** Room for `bytes` at least. */
export const takeSlab = (bytes: number): Buffer => {
  for (let at = spares.length - 1; at >= 0; at--) {
    const spare = spares[at]
    if (spare === undefined || spare.length < bytes) continue
    const last = spares.pop()
    if (last !== undefined && last !== spare) spares[at] = last
    return spare
  }
  return Buffer.allocUnsafeSlow(Math.max(bytes, slabBytes))
}

export const giveSlab = (rest: Buffer): void => {
  if (rest.length >= leastRest && spares.length < mostSpares) spares.push(rest)
}
