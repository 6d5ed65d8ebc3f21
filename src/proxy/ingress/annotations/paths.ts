/** Paths and hosts: what else an Ingress is meant for, and what becomes of a path. */
import { defined, type Part, type Rows, type Values } from './row.ts'
import { hostOrWildcard, path } from './text.ts'
import { flag, list, wrong } from './value.ts'

const rewriteTarget = (text: string): string => {
  if (/\$(?!\d)/.test(text)) return wrong('only groups of the path can stand here: $1, $2')
  return path(text)
}

export const pathRows = {
  'rewrite-target': { read: rewriteTarget },
  'use-regex': { read: flag },
  'server-alias': { read: list(hostOrWildcard, /[\s,]+/) },
  'from-to-www-redirect': { read: flag },
  'ssl-passthrough': { read: flag },
} satisfies Rows

export const paths = (values: Values<typeof pathRows>): Part => {
  const target = values['rewrite-target']
  return {
    regex: target !== undefined || (values['use-regex'] ?? false),
    aliases: values['server-alias'] ?? [],
    wwwRedirect: values['from-to-www-redirect'] ?? false,
    passthrough: values['ssl-passthrough'] ?? false,
    ...defined({ rewriteTarget: target }),
  }
}
