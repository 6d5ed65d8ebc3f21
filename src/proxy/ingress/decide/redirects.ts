/** Sending clients elsewhere. */
import { escapedByte } from '../http/path.ts'
import { plainReply, type Reply } from '../http/response-text.ts'
import type { Redirect } from '../policy/policy.ts'
import { fill } from '../policy/template.ts'
import { type Asking, hostOf, pathOf, queryOf, valueIn } from './asking.ts'
import type { Step } from './draft.ts'
import { rewrittenTarget } from './rewrite.ts'

/** All but visible ASCII, and the backslash, which browsers take for a slash. */
const unsafe = /[^\x21-\x5b\x5d-\x7e]/gu

const escaped = (letter: string): string =>
  letter > '\xff' ? Buffer.from(letter, 'utf8').toString('latin1').replace(/./gs, escapedByte) : escapedByte(letter)

/**
 * As it may stand in a Location. Escaped, not taken away: what is left could have another meaning. A path that begins
 * with two slashes would be another host; a path is always meant to be one of the same host.
 */
const clean = (url: string): string => url.replace(unsafe, escaped).replace(/^\/{2,}/, '/')

export const redirectTo = (status: number, url: string): Reply => ({
  ...plainReply(status, 'it is somewhere else'),
  fields: [
    ['Location', clean(url)],
    ['Content-Type', 'text/plain; charset=utf-8'],
  ],
})

const bareHost = (host: string): string => host.replace(/:\d+$/, '')

const usualPort = { http: 80, https: 443 }

const authority = (host: string, port: number, scheme: 'http' | 'https'): string =>
  port === usualPort[scheme] ? host : `${host}:${port}`

/** The port stays the one that was asked, unless the scheme or the redirect says otherwise. */
const partsUrl = (redirect: Extract<Redirect, { kind: 'parts' }>, asking: Asking): string => {
  const { via, request } = asking
  const scheme = redirect.scheme ?? via.scheme
  const port = redirect.port ?? (redirect.scheme === undefined ? via.port : usualPort[scheme])
  const host = redirect.host ?? bareHost(hostOf(asking))
  const target = redirect.path ? rewrittenTarget(request, redirect.path) : request.target
  return `${scheme}://${authority(host, port, scheme)}${target}`
}

export const redirectReply = (redirect: Redirect, asking: Asking): Reply =>
  redirectTo(
    redirect.status,
    redirect.kind === 'url' ? fill(redirect.url, valueIn(asking)) : partsUrl(redirect, asking),
  )

export const redirectStep =
  (redirect: Redirect): Step =>
  (asking) =>
    redirectReply(redirect, asking)

/** Not by a pattern: looking for the end of a text takes one as long as its square. */
const withoutSlashes = (path: string): string => {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}

/** Plain HTTP to HTTPS, with everything else as it was. */
export const httpsStep =
  (preserveTrailingSlash: boolean): Step =>
  (asking, _, { httpsPort }) => {
    if (asking.via.scheme === 'https') return undefined
    const path = pathOf(asking.request)
    const shown = preserveTrailingSlash || path === '/' ? path : withoutSlashes(path)
    const query = queryOf(asking.request)
    const host = authority(bareHost(hostOf(asking)), httpsPort, 'https')
    return redirectTo(308, `https://${host}${shown}${query === '' ? '' : `?${query}`}`)
  }

export const appRootStep =
  (appRoot: string): Step =>
  (asking) =>
    asking.request.path === '/' ? redirectTo(302, `${asking.via.scheme}://${hostOf(asking)}${appRoot}`) : undefined
