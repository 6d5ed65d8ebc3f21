/** Errors of the Container Network Interface (CNI specification 1.1, section 5). */

export const cniCodes = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  badEnvironment: 4,
  io: 5,
  decoding: 6,
  badConfig: 7,
  tryAgain: 11,
  notAvailable: 50,
  /** The plugin's own, from 100 on. */
  exhausted: 100,
  taken: 101,
  different: 102,
  other: 999,
} as const

export class CniError extends Error {
  override readonly name = 'CniError'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
