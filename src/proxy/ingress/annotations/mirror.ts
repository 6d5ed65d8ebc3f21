/** Copies of requests for another server. */
import { defined, type Part, type Rows, type Values } from './row.ts'
import { hostAndPort, serverUrl } from './text.ts'
import { onOff } from './value.ts'

export const mirrorRows = {
  'mirror-target': { read: serverUrl },
  'mirror-request-body': { read: onOff },
  'mirror-host': { read: hostAndPort },
} satisfies Rows

export const mirror = (values: Values<typeof mirrorRows>): Part => {
  const url = values['mirror-target']
  if (url === undefined) return {}
  const body = values['mirror-request-body'] ?? true
  const copy = { to: { url }, body, numerator: 1, denominator: 1, ...defined({ host: values['mirror-host'] }) }
  return { policy: { mirrors: [copy] } }
}
