/** The configuration of an image, as whoever made it wrote it: read once, into what containers need. Pure. */
import { isJsonObject, type JsonObject } from '../api/json.ts'
import { type Digest, isDigest } from './digest.ts'
import { damaged, unsupported } from './image-error.ts'
import type { ImageConfig } from './images.ts'
import { objectIn } from './json.ts'
import type { Limits } from './limits.ts'

export interface ParsedConfig {
  readonly config: ImageConfig
  /** The lowest first. */
  readonly diffIds: readonly Digest[]
  readonly architecture: string
}

const wrong = (field: string): Error => damaged(`the configuration of the image is malformed: ${field}`)

/** No argument of a program can hold a NUL. */
const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0')

const textAt = (of: JsonObject, field: string): string => {
  const value = of[field] ?? ''
  if (!isText(value)) throw wrong(field)
  return value
}

const listAt = (of: JsonObject, field: string): readonly string[] => {
  const value = of[field] ?? []
  if (!Array.isArray(value) || !value.every(isText)) throw wrong(field)
  return value
}

const keysAt = (of: JsonObject, field: string): readonly string[] => {
  const value = of[field] ?? {}
  if (!isJsonObject(value) || !Object.keys(value).every(isText)) throw wrong(field)
  return Object.keys(value)
}

const labelsAt = (of: JsonObject, field: string): Readonly<Record<string, string>> => {
  const value = of[field] ?? {}
  if (!isJsonObject(value)) throw wrong(field)
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      if (!isText(name) || !isText(text)) throw wrong(field)
      return [name, text]
    }),
  )
}

const userForm = /^[^\s:]*(?::[^\s:]*)?$/
const portForm = /^\d{1,5}(?:-\d{1,5})?(?:\/(?:tcp|udp|sctp))?$/
const signalForm = /^(?:[A-Za-z0-9+-]{1,20})?$/

const configOf = (of: JsonObject): ImageConfig => {
  const [user, stopSignal, workingDir] = [textAt(of, 'User'), textAt(of, 'StopSignal'), textAt(of, 'WorkingDir')]
  if (!userForm.test(user)) throw wrong('User')
  if (!signalForm.test(stopSignal)) throw wrong('StopSignal')
  return {
    entrypoint: listAt(of, 'Entrypoint'),
    cmd: listAt(of, 'Cmd'),
    // What has no name is no variable.
    env: listAt(of, 'Env').filter((variable) => variable.indexOf('=') > 0),
    user,
    workingDir: workingDir === '' || workingDir.startsWith('/') ? workingDir : `/${workingDir}`,
    stopSignal,
    exposedPorts: keysAt(of, 'ExposedPorts').filter((port) => portForm.test(port)),
    volumes: keysAt(of, 'Volumes').filter((path) => path.startsWith('/')),
    labels: labelsAt(of, 'Labels'),
  }
}

const diffIdsOf = (parsed: JsonObject): readonly Digest[] => {
  const rootfs = parsed['rootfs'] ?? {}
  const ids = isJsonObject(rootfs) ? (rootfs['diff_ids'] ?? []) : undefined
  if (!Array.isArray(ids) || !ids.every(isDigest)) throw wrong('rootfs.diff_ids')
  return ids
}

/** Throws `ImageError`. */
export const parseConfig = (bytes: Buffer, limits: Pick<Limits, 'configBytes' | 'layers'>): ParsedConfig => {
  if (bytes.length > limits.configBytes)
    throw unsupported(`the configuration of the image has more than ${limits.configBytes} bytes`)
  const parsed = objectIn(bytes, wrong)
  const os = textAt(parsed, 'os')
  if (os !== '' && os !== 'linux') throw unsupported(`the image is for ${os}, and this node is Linux`)
  const diffIds = diffIdsOf(parsed)
  if (diffIds.length > limits.layers)
    throw unsupported(`the image has ${diffIds.length} layers, and there may be ${limits.layers}`)
  const config = parsed['config'] ?? {}
  if (!isJsonObject(config)) throw wrong('config')
  return { config: configOf(config), diffIds, architecture: textAt(parsed, 'architecture') }
}
