/** What goes wrong between the agent and a container runtime. */
import type { ServiceError } from '@grpc/grpc-js'

/** The runtime has refused, has not answered in time, or is not there. */
export class CriError extends Error {
  override readonly name = 'CriError'
  /** As gRPC has them: 5 for what is not there, 14 for nobody who answers. */
  readonly code: number

  constructor(method: string, place: string, { code, details, message }: ServiceError) {
    super(`${place}: ${method}: ${details || message}`)
    this.code = code
  }
}

const codes = { cancelled: 1, deadline: 4, notFound: 5, unimplemented: 12, unavailable: 14 } as const

const hasCode = (error: unknown, code: number): boolean => error instanceof CriError && error.code === code

export const isNotFound = (error: unknown): boolean => hasCode(error, codes.notFound)
export const isUnimplemented = (error: unknown): boolean => hasCode(error, codes.unimplemented)
export const isOverdue = (error: unknown): boolean => hasCode(error, codes.deadline)

/** The runtime is there and answers, but not about what it was asked for. */
export const isOfOneObject = (error: unknown): boolean =>
  error instanceof CriError &&
  !([codes.cancelled, codes.deadline, codes.notFound, codes.unavailable] as readonly number[]).includes(error.code)
