/** Names of images, as users write them: `nginx`, `ghcr.io/a/b:1`, `localhost:5000/x@sha256:…`. Pure. */
import { type Digest, parseDigest } from './digest.ts'
import { ImageError } from './image-error.ts'

export interface Reference {
  /** `docker.io`, `localhost:5000`, `[::1]:5000`: host and port as written. */
  readonly registry: string
  /** `library/nginx` */
  readonly repository: string
  /** Undefined only beside a digest. */
  readonly tag: string | undefined
  readonly digest: Digest | undefined
}

const hostForm =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::\d{1,5})?$/
const componentForm = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const tagForm = /^\w[\w.-]{0,127}$/
const repositoryLimit = 255
const referenceLimit = 1_024

const invalid = (text: string, why: string): ImageError =>
  new ImageError('invalid name', `invalid image name ${JSON.stringify(text.slice(0, 300))}: ${why}`)

/** What stands before the first slash is a host when it looks like one; otherwise the name is one of Docker Hub. */
const isHost = (first: string): boolean => /[.:]/.test(first) || first === 'localhost' || /[A-Z]/.test(first)

const splitHost = (name: string): readonly [string, string] => {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  if (slash < 0 || !isHost(first)) return ['docker.io', name.includes('/') ? name : `library/${name}`]
  const rest = name.slice(slash + 1)
  if (first !== 'docker.io' && first !== 'index.docker.io') return [first, rest]
  return ['docker.io', rest.includes('/') ? rest : `library/${rest}`]
}

const splitOnce = (text: string, at: number): readonly [string, string | undefined] =>
  at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]

/** Throws `ImageError` ("invalid name") with what is wrong. */
export const parseReference = (text: string): Reference => {
  if (text === '') throw invalid(text, 'it is empty')
  if (text.length > referenceLimit) throw invalid(text, `it is longer than ${referenceLimit} characters`)
  const [named, digestText] = splitOnce(text, text.indexOf('@'))
  const digest = digestText === undefined ? undefined : parseDigest(digestText)
  if (digestText !== undefined && !digest)
    throw invalid(text, 'a digest is sha256: and 64 lower-case hexadecimal digits')
  const colon = named.lastIndexOf(':')
  const [name, tag] = splitOnce(named, colon > named.lastIndexOf('/') ? colon : -1)
  if (tag !== undefined && !tagForm.test(tag)) throw invalid(text, `${JSON.stringify(tag)} is no tag`)
  if (/^[0-9a-f]{64}$/.test(name)) throw invalid(text, 'it looks like the id of an image')
  const [registry, repository] = splitHost(name)
  if (!hostForm.test(registry)) throw invalid(text, `${JSON.stringify(registry)} is no host of a registry`)
  if (repository.length + registry.length > repositoryLimit)
    throw invalid(text, `host and repository are longer than ${repositoryLimit} characters`)
  const wrong = repository.split('/').find((component) => !componentForm.test(component))
  if (wrong !== undefined)
    throw invalid(
      text,
      /[A-Z]/.test(wrong) ? 'repositories are lower-case' : `${JSON.stringify(wrong)} cannot be part of it`,
    )
  return { registry, repository, tag: tag ?? (digest ? undefined : 'latest'), digest }
}

/** `docker.io/library/nginx` */
export const repositoryName = ({ registry, repository }: Reference): string => `${registry}/${repository}`

/** In full: with registry, and with tag, digest or both. */
export const formatReference = (reference: Reference): string =>
  [
    repositoryName(reference),
    reference.tag === undefined ? '' : `:${reference.tag}`,
    reference.digest === undefined ? '' : `@${reference.digest}`,
  ].join('')

/** The name in the store: a digest says all, and a tag beside it is not looked at. */
export const storedName = (reference: Reference): string =>
  reference.digest === undefined ? formatReference(reference) : `${repositoryName(reference)}@${reference.digest}`
