/** Which pages of other origins may ask (the Fetch standard). */
import type { Part, Reading, Rows, Values } from './row.ts'
import { hostName, method, portSuffix, token } from './text.ts'
import { flag, list, whole, wrong } from './value.ts'

const origin = (text: string): string => {
  if (text === '*' || text === 'null') return text
  const [, scheme = '', star = '', host = '', port = ''] =
    /^([a-z][a-z0-9+.-]{0,31}:\/\/)(\*\.)?([^:/]+)(.*)$/i.exec(text) ?? []
  if (host === '') return wrong(`"${text}" is not an origin such as https://example.com or https://*.example.com:8443`)
  return `${scheme.toLowerCase()}${star}${hostName(host)}${portSuffix(port)}`
}

export const corsRows = {
  'enable-cors': { read: flag },
  'cors-allow-origin': { read: list(origin) },
  'cors-allow-methods': { read: list(method) },
  'cors-allow-headers': { read: list(token) },
  'cors-expose-headers': { read: list(token) },
  'cors-allow-credentials': { read: flag },
  'cors-max-age': { read: whole(0) },
} satisfies Rows

const methods: readonly string[] = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS']

const headers: readonly string[] = [
  ...['DNT', 'Keep-Alive', 'User-Agent', 'X-Requested-With', 'If-Modified-Since'],
  ...['Cache-Control', 'Content-Type', 'Range', 'Authorization'],
]

/** The defaults are wide: with one part broken, they would allow what its author meant to forbid. */
export const cors = (values: Values<typeof corsRows>, { isBroken }: Reading): Part => {
  if (!values['enable-cors'] || Object.keys(corsRows).some(isBroken)) return {}
  return {
    policy: {
      cors: {
        origins: values['cors-allow-origin'] ?? ['*'],
        methods: values['cors-allow-methods'] ?? methods,
        headers: values['cors-allow-headers'] ?? headers,
        expose: values['cors-expose-headers'] ?? [],
        credentials: values['cors-allow-credentials'] ?? true,
        maxAgeSeconds: values['cors-max-age'] ?? 1_728_000,
      },
    },
  }
}
