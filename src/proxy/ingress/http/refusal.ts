/** A message that is not served, and the status that says so to whoever sent it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number

  constructor(status: number, reason: string) {
    super(reason)
    this.status = status
  }
}

/** 400: the bytes have no meaning, or more than one. */
export const malformed = (reason: string): Refusal => new Refusal(400, reason)

export const isRefusal = (error: unknown): error is Refusal => error instanceof Refusal
