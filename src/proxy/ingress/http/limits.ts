/** How much of a head is read before it is refused. */
export interface HeadLimits {
  /** The whole head; beyond it 431. */
  readonly headBytes: number
  /** The request target; beyond it 414. */
  readonly targetBytes: number
  /** Field lines; beyond it 431. */
  readonly fields: number
  /** The fields after a chunked body; beyond it 431. */
  readonly trailerBytes: number
}

export const defaultLimits: HeadLimits = {
  headBytes: 32 * 1024,
  targetBytes: 8 * 1024,
  fields: 100,
  trailerBytes: 8 * 1024,
}
