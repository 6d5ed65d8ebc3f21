/** What went wrong between this server and etcd, and whether a write may have been made. */
import { type ServiceError, status } from '@grpc/grpc-js'
import { StorageFailure } from '../backend.ts'

export const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && 'code' in error && 'details' in error

/** etcd says these before it does anything. */
const refusals = ['no leader', 'not leader', 'too many requests', 'not capable', 'server stopped']

/** Nothing has been sent, or it was refused as a whole: another member may be asked. */
export const isUndone = ({ code, details }: ServiceError): boolean =>
  refusals.some((word) => details.startsWith(`etcdserver: ${word}`)) ||
  (code === status.UNAVAILABLE && /^(No connection established|Name resolution failed)/.test(details))

/** For requests that change nothing. */
export const isPassing = ({ code }: ServiceError): boolean =>
  code === status.UNAVAILABLE ||
  code === status.DEADLINE_EXCEEDED ||
  code === status.CANCELLED ||
  code === status.UNKNOWN

export const isCompacted = ({ details }: ServiceError): boolean => /has been compacted/.test(details)

export const isTooLarge = ({ details, code }: ServiceError): boolean =>
  /request is too large/.test(details) || (code === status.RESOURCE_EXHAUSTED && /larger than max/.test(details))

const isOutOfSpace = ({ details }: ServiceError): boolean => /database space exceeded/.test(details)

export const failureOf = (error: ServiceError, endpoint: string): StorageFailure => {
  if (isOutOfSpace(error))
    return new StorageFailure(
      `etcd has no space left (${endpoint}): compact and defragment it, or raise its --quota-backend-bytes, then etcdctl alarm disarm`,
      'not made',
      error,
    )
  const made = isPassing(error) && !isUndone(error) ? 'unknown' : 'not made'
  return new StorageFailure(`etcd at ${endpoint}: ${error.details || error.message}`, made, error)
}
