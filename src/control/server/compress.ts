/** Large answers in fewer bytes, for clients that can read them: lists of kubectl across a slow network. */
import { promisify } from 'node:util'
import { createGzip, type Gzip, gzip } from 'node:zlib'

/** As in Kubernetes: what is smaller is not worth it. */
export const compressFrom = 128 * 1024

const takesGzip = (acceptEncoding: string | undefined): boolean =>
  (acceptEncoding ?? '').split(',').some((part) => {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    return coding === 'gzip' && !parameters.some((each) => /^q=0(\.0*)?$/.test(each))
  })

const level = 1
const pack = promisify(gzip)

/** The bytes by gzip, made in another thread; undefined when the client does not take it, or they are few. */
export const compressed = async (
  bytes: string | Uint8Array,
  acceptEncoding: string | undefined,
): Promise<Uint8Array | undefined> =>
  Buffer.byteLength(bytes) >= compressFrom && takesGzip(acceptEncoding) ? pack(bytes, { level }) : undefined

/** The same for bytes that come in parts. */
export const compressing = (acceptEncoding: string | undefined): Gzip | undefined =>
  takesGzip(acceptEncoding) ? createGzip({ level }) : undefined
