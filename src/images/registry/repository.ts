/** One repository of one registry: its manifests and blobs (distribution-spec). */
import type { RegistryCredential } from '../credentials.ts'
import { type Digest, digestOf } from '../digest.ts'
import { damaged, ImageError } from '../image-error.ts'
import { limits } from '../limits.ts'
import type { WrittenManifest } from '../manifest/find-manifest.ts'
import { indexTypes, manifestTypes, plainType } from '../manifest/media-types.ts'
import { createAuthorizer } from './authorizer.ts'
import { type HttpClient, type RegistryAnswer, readAnswer } from './http-client.ts'
import type { Endpoint } from './registries.ts'

export interface BlobPart {
  /** Where in the blob it begins: what was asked for, or 0 where a registry knows no ranges. */
  readonly offset: number
  readonly body: AsyncIterable<Buffer>
}

/** Rejects with `ImageError`; nothing is tried twice. */
export interface Repository {
  manifest(reference: string, signal?: AbortSignal): Promise<WrittenManifest>
  blob(digest: Digest, offset: number, signal?: AbortSignal): Promise<BlobPart>
}

const accepted = [...manifestTypes, ...indexTypes].join(', ')
const redirectsInARow = 5
const redirectCodes = [301, 302, 303, 307, 308]

const failureOf = (answer: RegistryAnswer, what: string, host: string): ImageError => {
  const { status } = answer
  if (status === 401 || status === 403)
    return new ImageError(
      'unauthorized',
      `${host} does not give ${what} to these credentials, or has none (it answered ${status})`,
    )
  if (status === 404) return new ImageError('not found', `${host} has no ${what}`)
  if (status === 429) return new ImageError('unavailable', `${host} has had too many requests: it answered 429`)
  if (status >= 500) return new ImageError('unavailable', `${host} answered ${status}`)
  return new ImageError('damaged', `${host} answered ${status} when it was asked for ${what}`)
}

/** To where, and never to a place that is less safe. */
const redirectTo = (answer: RegistryAnswer, from: URL): URL => {
  const location = answer.header('location')
  const to = location === undefined ? null : URL.parse(location, from.href)
  if (!to || !['http:', 'https:'].includes(to.protocol) || (to.protocol === 'http:' && from.protocol === 'https:'))
    throw damaged(`${from.host} redirects to ${JSON.stringify((location ?? '').slice(0, 200))}`)
  return to
}

export interface RepositoryOptions {
  readonly http: HttpClient
  readonly endpoint: Endpoint
  /** `library/nginx` */
  readonly name: string
  readonly credential: RegistryCredential | undefined
}

export const openRepository = ({ http, endpoint, name, credential }: RepositoryOptions): Repository => {
  const authorizer = createAuthorizer(http, endpoint, `repository:${name}:pull`, credential)
  const { host } = endpoint.base

  const urlOf = (path: string): URL => {
    const url = new URL(endpoint.base)
    url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/v2$/, '')}/v2/${name}/${path}`
    if (endpoint.mirrorOf !== undefined) url.searchParams.set('ns', endpoint.mirrorOf)
    return url
  }

  /** Who we are is for the registry alone, not for where it sends us. */
  const ask = async (first: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined) => {
    let url = first
    for (let redirects = 0, isAsked = false; ; ) {
      const isOwn = url.origin === endpoint.base.origin
      const authorization = isOwn ? authorizer.header() : undefined
      const sent = authorization === undefined ? headers : { ...headers, authorization }
      const trust = isOwn ? endpoint : { authority: endpoint.authority, isVerified: true }
      const answer = await http.send({ url, headers: sent, signal }, trust)
      if (answer.status === 401 && isOwn && !isAsked) {
        isAsked = true
        await answer.discard()
        if (await authorizer.answer(answer.header('www-authenticate') ?? '', signal)) continue
        return answer
      }
      if (!redirectCodes.includes(answer.status)) return answer
      await answer.discard()
      if (++redirects > redirectsInARow) throw damaged(`${host} redirects again and again`)
      url = redirectTo(answer, url)
    }
  }

  return {
    manifest: async (reference, signal) => {
      const what = `manifest ${name}:${reference}`
      const answer = await ask(urlOf(`manifests/${reference}`), { accept: accepted }, signal)
      if (answer.status !== 200) {
        await answer.discard()
        throw failureOf(answer, what, host)
      }
      const bytes = await readAnswer(answer, limits.manifestBytes, `${host}: ${what}`)
      const digest = digestOf(bytes)
      const said = answer.header('docker-content-digest')
      const wanted = reference.startsWith('sha256:') ? reference : said
      if (wanted?.startsWith('sha256:') && wanted !== digest)
        throw damaged(`${host} sent ${digest} for ${what}, and should have sent ${wanted}`)
      return { bytes, mediaType: plainType(answer.header('content-type') ?? ''), digest }
    },
    blob: async (digest, offset, signal) => {
      const range: Readonly<Record<string, string>> = offset === 0 ? {} : { range: `bytes=${offset}-` }
      const answer = await ask(urlOf(`blobs/${digest}`), range, signal)
      if (answer.status === 200) return { offset: 0, body: answer.body }
      const isRange = answer.header('content-range')?.startsWith(`bytes ${offset}-`) ?? false
      if (answer.status === 206 && isRange) return { offset, body: answer.body }
      await answer.discard()
      throw failureOf(answer, `blob ${digest}`, host)
    },
  }
}
