/** The first message of a TLS connection (RFC 8446 section 4.1.2), read for the one thing that decides who serves it. */

/** What it says, `more` while it is not complete, `other` for what is no TLS. */
export type ClientHello =
  | { readonly kind: 'hello'; readonly serverName: string | undefined }
  | { readonly kind: 'more' }
  | { readonly kind: 'other' }

const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0
const hostName = 0
/** A hello may come in several records, but no sane one is longer. */
const maxHelloBytes = 64 * 1024
const recordHead = 5

const more: ClientHello = { kind: 'more' }
const other: ClientHello = { kind: 'other' }

/** The handshake bytes of the records that are there, as far as they are there. */
const handshakeBytes = (bytes: Buffer): Buffer | undefined => {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== handshakeRecord || (bytes[at + 1] ?? 3) !== 3) return undefined
    if (bytes.length < at + recordHead) break
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > 16_384) return undefined
    pieces.push(bytes.subarray(at + recordHead, at + recordHead + length))
    at += recordHead + length
  }
  return Buffer.concat(pieces)
}

/** A cursor that says whether it ran past the end instead of throwing. */
const reader = (bytes: Buffer) => {
  let at = 0
  return {
    number: (size: 1 | 2 | 3): number => {
      at += size
      return at > bytes.length ? -1 : bytes.readUIntBE(at - size, size)
    },
    pass: (length: number): void => {
      at += Math.max(0, length)
    },
    take: (length: number): Buffer => {
      at += Math.max(0, length)
      return bytes.subarray(at - Math.max(0, length), at)
    },
    get left() {
      return bytes.length - at
    },
  }
}

/** The name of the first entry of a server_name extension (RFC 6066 section 3). */
const nameIn = (extension: Buffer): string | undefined => {
  const list = reader(extension)
  list.pass(2)
  if (list.number(1) !== hostName) return undefined
  const length = list.number(2)
  return length > 0 && length <= list.left ? list.take(length).toString('latin1').toLowerCase() : undefined
}

const serverNameOf = (hello: Buffer): string | undefined => {
  const fields = reader(hello)
  fields.pass(2 + 32)
  fields.pass(fields.number(1))
  fields.pass(fields.number(2))
  fields.pass(fields.number(1))
  const extensions = reader(fields.take(Math.max(0, fields.number(2))))
  while (extensions.left >= 4) {
    const type = extensions.number(2)
    const body = extensions.take(extensions.number(2))
    if (type === serverNameExtension) return nameIn(body)
  }
  return undefined
}

/** Reads the start of a connection. Never throws: what is no hello is left to TLS itself to refuse. */
export const readClientHello = (bytes: Buffer): ClientHello => {
  const handshake = handshakeBytes(bytes)
  if (handshake === undefined || bytes.length > maxHelloBytes) return other
  if (handshake.length < 4) return more
  if (handshake[0] !== clientHello) return other
  const length = handshake.readUIntBE(1, 3)
  if (length > maxHelloBytes) return other
  if (handshake.length < 4 + length) return more
  return { kind: 'hello', serverName: serverNameOf(handshake.subarray(4, 4 + length)) }
}
