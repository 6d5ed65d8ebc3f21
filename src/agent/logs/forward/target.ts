/** What `--log-forward` names. Pure. */

export type ForwardTarget =
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  | { readonly kind: 'http'; readonly name: string; readonly url: URL }
  | { readonly kind: 'syslog'; readonly name: string; readonly way: SyslogWay }

export type SyslogWay =
  | { readonly protocol: 'udp' | 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly protocol: 'unix'; readonly path: string }

export const targetForms =
  'file:///PATH, http(s)://HOST/PATH, syslog+udp://HOST:PORT, syslog+tcp://HOST:PORT, syslog+tls://HOST:PORT or syslog+unix:///PATH'

const defaultPorts = { udp: 514, tcp: 514, tls: 6514 } as const

/** Without the name and password of a user, and whatever a query holds. */
const publicName = ({ protocol, host, pathname }: URL): string => `${protocol}//${host}${pathname}`

const pathOf = (url: URL): string | undefined => {
  if (url.host !== '' || url.search !== '' || url.hash !== '' || url.pathname.length < 2) return undefined
  try {
    return decodeURIComponent(url.pathname)
  } catch {
    return undefined
  }
}

const isProtocol = (text: string): text is keyof typeof defaultPorts => text in defaultPorts

const syslogWay = (url: URL): SyslogWay | undefined => {
  const protocol = url.protocol.slice('syslog+'.length, -1)
  if (protocol === 'unix') {
    const path = pathOf(url)
    return path === undefined ? undefined : { protocol, path }
  }
  const isBare = ['', '/'].includes(url.pathname) && url.search === '' && url.username === '' && url.password === ''
  if (!isProtocol(protocol) || url.hostname === '' || !isBare) return undefined
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { protocol, host, port: url.port === '' ? defaultPorts[protocol] : Number(url.port) }
}

/** Undefined for what is none of `targetForms`. */
export const parseTarget = (text: string): ForwardTarget | undefined => {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const name = publicName(url)
  if (url.protocol === 'file:') {
    const path = pathOf(url)
    return path === undefined || path.endsWith('/') ? undefined : { kind: 'file', name, path }
  }
  if (url.protocol === 'http:' || url.protocol === 'https:')
    return url.hash === '' ? { kind: 'http', name, url } : undefined
  const way = url.protocol.startsWith('syslog+') ? syslogWay(url) : undefined
  return way && { kind: 'syslog', name, way }
}
