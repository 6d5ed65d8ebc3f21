/** How much memory V8 takes for speed: little in most processes, more in those that many wait for. */
import { setFlagsFromString } from 'node:v8'

/** For every process: daemons are many, and live long. As a flag of the launcher this would bind the young generation to 1 MB for good. */
export const keepSmall = (): void => setFlagsFromString('--optimize-for-size')

/**
 * The launcher's flags begin with a young generation of 1 MB that grows slowly. From here on that of this process grows with its work, up
 * to 16 MB: what lives as long as a request is then garbage before it is copied into the old generation. V8 gives the room back when
 * there is less to do.
 */
export const growWithWork = (): void => {
  setFlagsFromString('--no-optimize-for-size')
  setFlagsFromString('--semi-space-growth-factor=2')
}
