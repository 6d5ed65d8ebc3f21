/** The ciphers of Kubernetes' encryption at rest, by the names of their providers. Pure but for random nonces. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'

export interface Cipher {
  /** In bytes. */
  readonly keySizes: readonly number[]
  /** `about` is what the text belongs to: with it, some ciphers notice that a text was put in another one's place. */
  seal(key: Buffer, text: Buffer, about: string): Buffer
  /** Throws when the key is another one, or the text was changed (as far as the cipher can tell). */
  open(key: Buffer, sealed: Buffer, about: string): Buffer
}

const aesSizes = [16, 24, 32]
const gcm = { nonce: 12, tag: 16 }

/** Authenticated, and bound to the object's place. */
const aesgcm: Cipher = {
  keySizes: aesSizes,
  seal: (key, text, about) => {
    const nonce = randomBytes(gcm.nonce)
    const cipher = createCipheriv(`aes-${key.length * 8}-gcm` as 'aes-256-gcm', key, nonce)
    cipher.setAAD(Buffer.from(about))
    return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()])
  },
  open: (key, sealed, about) => {
    if (sealed.length < gcm.nonce + gcm.tag) throw new Error('it is too short')
    const cipher = createDecipheriv(`aes-${key.length * 8}-gcm` as 'aes-256-gcm', key, sealed.subarray(0, gcm.nonce), {
      authTagLength: gcm.tag,
    })
    cipher.setAAD(Buffer.from(about))
    cipher.setAuthTag(sealed.subarray(-gcm.tag))
    return Buffer.concat([cipher.update(sealed.subarray(gcm.nonce, -gcm.tag)), cipher.final()])
  },
}

const blockSize = 16

/** Not authenticated, as in Kubernetes: for stores that were encrypted by it. */
const aescbc: Cipher = {
  keySizes: aesSizes,
  seal: (key, text) => {
    const vector = randomBytes(blockSize)
    const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, vector)
    return Buffer.concat([vector, cipher.update(text), cipher.final()])
  },
  open: (key, sealed) => {
    if (sealed.length < 2 * blockSize) throw new Error('it is too short')
    const cipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, sealed.subarray(0, blockSize))
    return Buffer.concat([cipher.update(sealed.subarray(blockSize)), cipher.final()])
  },
}

const boxNonce = 24

/** XSalsa20 and Poly1305: authenticated. */
const secretbox: Cipher = {
  keySizes: [32],
  seal: (key, text) => {
    const nonce = randomBytes(boxNonce)
    return Buffer.concat([nonce, xsalsa20poly1305(key, nonce).encrypt(text)])
  },
  open: (key, sealed) =>
    Buffer.from(xsalsa20poly1305(key, sealed.subarray(0, boxNonce)).decrypt(sealed.subarray(boxNonce))),
}

export const ciphers = { aesgcm, aescbc, secretbox } as const
export type CipherName = keyof typeof ciphers

export const isCipherName = (name: string): name is CipherName => Object.hasOwn(ciphers, name)
