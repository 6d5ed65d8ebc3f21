/** A small world to read annotations in. */
import { readAnnotations } from '../../../../src/proxy/ingress/annotations/read.ts'
import type { IngressSettings, Lookup } from '../../../../src/proxy/ingress/annotations/settings.ts'
import { rowOf } from '../../../../src/proxy/ingress/annotations/table.ts'
import { certificate } from './certificates.ts'

const sha = '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g='

const secrets: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'default/users': { auth: `# people\nann:${sha}\n` },
  'default/map': { bob: sha },
  'default/mixed': { auth: `ann:${sha}\neve:$1$abc$secrethash\nno colon\n` },
  'default/strangers': { auth: 'eve:$1$abc$secrethash\n' },
  'default/clients': { 'ca.crt': certificate },
  'default/broken-ca': { 'ca.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
}

const configMaps: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'default/fields': { 'X-Lab': 'yes' },
  'default/bad-fields': { 'X-Lab': 'yes', 'Content-Length': '3', 'X-Split': 'a\r\nSet-Cookie: b', 'a b': 'c' },
}

export const lookup: Lookup = { secret: (key) => secrets[key], configMap: (key) => configMaps[key] }

/** With the prefix that a key needs. */
export const prefixed = (key: string): string =>
  `${rowOf(key)?.isOwn ? 'ingress.podway.dev' : 'nginx.ingress.kubernetes.io'}/${key}`

/** Settings from keys without a prefix. */
export const read = (annotations: Readonly<Record<string, string>>): IngressSettings =>
  readAnnotations(
    {
      namespace: 'default',
      annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [prefixed(key), value])),
    },
    lookup,
  )
