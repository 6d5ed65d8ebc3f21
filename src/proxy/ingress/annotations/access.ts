/** Which addresses may ask. */
import { networks } from './addresses.ts'
import { defined, type Part, type Rows, type Values } from './row.ts'
import { flag, word } from './value.ts'

export const accessRows = {
  'allowlist-source-range': { read: networks, guards: true },
  'whitelist-source-range': { read: networks, guards: true },
  'denylist-source-range': { read: networks, guards: true },
  satisfy: { read: word('all', 'any') },
  'enable-access-log': { read: flag },
} satisfies Rows

export const access = (values: Values<typeof accessRows>): Part => ({
  policy: defined({
    allow: values['allowlist-source-range'] ?? values['whitelist-source-range'],
    deny: values['denylist-source-range'],
    satisfy: values.satisfy,
    accessLog: values['enable-access-log'],
  }),
})
