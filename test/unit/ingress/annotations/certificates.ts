/** Pairs of certificates and keys, made anew for each run. */
import { createAuthority, type KeyPair, validFor } from '../../../../src/api/certificates.ts'

const make = (name: string): Promise<KeyPair> => createAuthority(name, validFor(1, Date.now()))

export const pair = await make('a.lab')
export const otherPair = await make('b.lab')
export const certificate = pair.cert
