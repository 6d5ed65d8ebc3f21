/** Where a control plane keeps its objects, encrypted as the file of `--encryption-provider-config` says. */

import { readFile } from 'node:fs/promises'
import { errorText } from '../api/errors.ts'
import type { StorePlace } from './open-backend.ts'
import { type EncryptionRule, readEncryptionConfiguration } from './storage/encryption/configuration.ts'
import { type EncryptedBackend, encryptBackend } from './storage/encryption/encrypted-backend.ts'

export interface EncryptedPlace extends StorePlace {
  open(): Promise<EncryptedBackend>
}

/** No rules without a file. Throws an Error that names the file and what is wrong with it. */
export const readEncryptionRules = async (file: string | undefined): Promise<readonly EncryptionRule[]> => {
  if (file === undefined) return []
  try {
    return readEncryptionConfiguration(await readFile(file, 'utf8'))
  } catch (error) {
    throw new Error(`--encryption-provider-config ${file}: ${errorText(error)}`)
  }
}

/** Without rules everything is kept as it is; what is encrypted by then is told, and not taken for damage. */
export const encryptPlace = (place: StorePlace, rules: readonly EncryptionRule[]): EncryptedPlace => ({
  ...place,
  open: async () => encryptBackend(await place.open(), rules),
})
