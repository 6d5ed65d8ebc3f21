/** What a certificate request looks like from outside: whoever signs it reads the rest. */

interface Element {
  readonly tag: number
  readonly content: Buffer
}

const lengthOf = (bytes: Buffer, at: number): { readonly length: number; readonly from: number } | undefined => {
  const first = bytes[at]
  if (first === undefined) return undefined
  if (first < 0x80) return { length: first, from: at + 1 }
  const count = first & 0x7f
  if (count === 0 || count > 4 || at + 1 + count > bytes.length) return undefined
  return { length: bytes.readUIntBE(at + 1, count), from: at + 1 + count }
}

/** The elements one after another; undefined unless they fill the bytes. */
const elementsOf = (bytes: Buffer): readonly Element[] | undefined => {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]
    const size = lengthOf(bytes, at + 1)
    if (tag === undefined || !size || size.from + size.length > bytes.length) return undefined
    elements.push({ tag, content: bytes.subarray(size.from, size.from + size.length) })
    at = size.from + size.length
  }
  return elements
}

const sequence = 0x30
const bitString = 0x03

/** PKCS #10 in DER: what is asked for, an algorithm and a signature. */
export const isSigningRequest = (bytes: Buffer): boolean => {
  const [outer, ...more] = elementsOf(bytes) ?? []
  if (outer?.tag !== sequence || more.length > 0) return false
  const parts = elementsOf(outer.content)?.map(({ tag }) => tag) ?? []
  return parts.length === 3 && parts[0] === sequence && parts[1] === sequence && parts[2] === bitString
}
