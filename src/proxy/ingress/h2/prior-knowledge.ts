/** Clients of plain connections that speak HTTP/2 without having asked (RFC 9113 section 3.3): they begin with the preface. */
import { preface } from './frames.ts'

/** What the first bytes of a plain connection are the start of; undefined while they may be either. */
export const startOfPlain = (bytes: Buffer): 'HTTP/1.1' | 'HTTP/2' | undefined => {
  const length = Math.min(bytes.length, preface.length)
  if (preface.compare(bytes, 0, length, 0, length) !== 0) return 'HTTP/1.1'
  return length === preface.length ? 'HTTP/2' : undefined
}
