/** Fields that requests and answers get. */
import { skip, tokenBytes } from '../http/syntax.ts'
import { noChanges } from '../policy/policy.ts'
import { defined, idle, type ObjectData, type Part, type Reading, type Rows, type Values } from './row.ts'
import { hostAndPort, path, reference } from './text.ts'

export const headerRows = {
  'custom-headers': { read: reference },
  'upstream-vhost': { read: hostAndPort },
  'x-forwarded-prefix': { read: path },
  'connection-proxy-header': idle('connections to backends are kept open'),
} satisfies Rows

/** What says how a message travels is the proxy's to write. */
const framing: readonly string[] = [
  ...['connection', 'content-length', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authenticate', 'proxy-connection'],
]

const fieldProblem = (name: string, value: string): string | undefined => {
  if (name === '' || skip(name, 0, tokenBytes) !== name.length) return `"${name}" is not the name of a field`
  if (framing.includes(name.toLowerCase())) return `${name} is not for a ConfigMap to set`
  return /^[\t\x20-\x7e]*$/.test(value) ? undefined : `the value of ${name} is not printable ASCII in one line`
}

const fieldsOf = (data: ObjectData, { tell }: Reading): readonly (readonly [string, string])[] =>
  Object.entries(data).flatMap(([name, written]) => {
    const value = written.trim()
    const problem = fieldProblem(name, value)
    if (problem === undefined) return [[name, value] as const]
    tell('error', 'custom-headers', problem)
    return []
  })

export const headers = (values: Values<typeof headerRows>, reading: Reading): Part => {
  const name = values['custom-headers']
  const data = name && reading.configMap('custom-headers', name)
  const responseFields = data && { ...noChanges, set: fieldsOf(data, reading) }
  return {
    policy: defined({
      responseFields,
      upstreamHost: values['upstream-vhost'],
      forwardedPrefix: values['x-forwarded-prefix'],
    }),
  }
}
