/** Why an image cannot be had, by what its user can do about it. */

export type ImageFault =
  /** What was asked for is no name of an image. */
  | 'invalid name'
  /** The registry answers, and has no such image; or the image is not on this node. */
  | 'not found'
  /** The registry wants other credentials. */
  | 'unauthorized'
  /** The registry cannot be reached, is too busy, or stopped in the middle: later it may do. */
  | 'unavailable'
  /** What was sent, or lies on the disk, is not what its digest says, or breaks the format. */
  | 'damaged'
  /** It is whole, and this node does not take it: another platform, schema 1, a limit that is exceeded. */
  | 'unsupported'
  /** A container uses it. */
  | 'in use'
  /** The disk of this node is full, or cannot be written to. */
  | 'disk'

/** The message names the image, the place and the cure. */
export class ImageError extends Error {
  override readonly name = 'ImageError'
  readonly fault: ImageFault

  constructor(fault: ImageFault, message: string, cause?: unknown) {
    super(message, { cause })
    this.fault = fault
  }
}

export const hasFault = (error: unknown, fault: ImageFault): error is ImageError =>
  error instanceof ImageError && error.fault === fault

export const damaged = (message: string, cause?: unknown): ImageError => new ImageError('damaged', message, cause)
export const unsupported = (message: string): ImageError => new ImageError('unsupported', message)

const diskCodes = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'EACCES', 'EPERM', 'EFBIG']

/** What went wrong while files were written, as a fault: `doing` is `unpacking a layer`. */
export const asImageError = (error: unknown, doing: string): ImageError => {
  if (error instanceof ImageError) return error
  const said = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new ImageError(diskCodes.includes(code) ? 'disk' : 'damaged', `${doing}: ${said}`, error)
}
