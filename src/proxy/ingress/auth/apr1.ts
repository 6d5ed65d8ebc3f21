/** Apache's variant of md5-crypt: MD5 a thousand times over, in an order that only history explains. */
import { createHash } from 'node:crypto'

const magic = '$apr1$'
const rounds = 1000
const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

type Bytes = Buffer | string

const md5 = (...parts: readonly Bytes[]): Buffer => {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** As many bytes of the digest as the password has, over and over. */
const repeated = (digest: Buffer, length: number): Buffer => Buffer.alloc(length, digest)

/** One byte for each bit of the password's length: zero, or its first one. */
const lengthBits = (password: Buffer): Buffer => {
  const bytes: number[] = []
  for (let left = password.length; left > 0; left >>= 1) bytes.push(left & 1 ? 0 : (password[0] ?? 0))
  return Buffer.from(bytes)
}

const round = (n: number, before: Buffer, password: Buffer, salt: Buffer): Buffer => {
  const isOdd = n % 2 === 1
  const middle = [...(n % 3 === 0 ? [] : [salt]), ...(n % 7 === 0 ? [] : [password])]
  return md5(isOdd ? password : before, ...middle, isOdd ? before : password)
}

/** Three bytes make four characters, the lowest six bits first; which three is part of the format. */
const triples = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
] as const

const characters = (value: number, count: number): string =>
  Array.from({ length: count }, (_, at) => alphabet[(value >> (6 * at)) & 63]).join('')

const encode = (digest: Buffer): string => {
  const byte = (at: number): number => digest[at] ?? 0
  const most = triples.map(([a, b, c]) => characters((byte(a) << 16) | (byte(b) << 8) | byte(c), 4))
  return most.join('') + characters(byte(11), 2)
}

/** `$apr1$salt$hash` of a password. Only the first eight characters of the salt count. */
export const apr1 = (text: string, saltText: string): string => {
  const password = Buffer.from(text, 'utf8')
  const salt = Buffer.from(saltText.slice(0, 8), 'latin1')
  const inner = repeated(md5(password, salt, password), password.length)
  let digest = md5(password, magic, salt, inner, lengthBits(password))
  for (let n = 0; n < rounds; n++) digest = round(n, digest, password, salt)
  return `${magic}${salt.toString('latin1')}$${encode(digest)}`
}
