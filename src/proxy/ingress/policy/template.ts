/** Texts with a few of nginx's variables in them, read once and filled in for each request. */

export const plainVariables = [
  ...(['request_uri', 'escaped_request_uri', 'uri', 'args', 'host', 'http_host', 'scheme', 'request_method'] as const),
  ...(['remote_addr', 'binary_remote_addr', 'server_port', 'request_id', 'is_args'] as const),
] as const

/** `argument` is the X of `$http_X` (small letters, underscores as dashes), `$cookie_X` and `$arg_X`. */
export type Variable =
  | { readonly variable: (typeof plainVariables)[number] }
  | { readonly variable: 'http' | 'cookie' | 'arg'; readonly argument: string }

/** Texts and variables in turn. Plain data. */
export type Template = readonly (string | Variable)[]

const pattern = /\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g

const aliases: Readonly<Record<string, (typeof plainVariables)[number]>> = {
  best_http_host: 'http_host',
  best_host: 'host',
  pass_access_scheme: 'scheme',
  the_real_ip: 'remote_addr',
  req_id: 'request_id',
  query_string: 'args',
  document_uri: 'uri',
}

const variableOf = (name: string): Variable | undefined => {
  const plain = plainVariables.find((each) => each === name) ?? aliases[name]
  if (plain) return { variable: plain }
  const [, kind, argument = ''] = /^(http|cookie|arg)_(.+)$/.exec(name) ?? []
  if (kind === 'http') return { variable: 'http', argument: argument.toLowerCase().replaceAll('_', '-') }
  return kind === 'cookie' || kind === 'arg' ? { variable: kind, argument } : undefined
}

/** The template, or the name of a variable that is not known. */
export const parseTemplate = (text: string): { readonly template: Template } | { readonly unknown: string } => {
  const parts: (string | Variable)[] = []
  let at = 0
  for (const found of text.matchAll(pattern)) {
    const name = found[1] ?? found[2] ?? ''
    const variable = variableOf(name)
    if (variable === undefined) return { unknown: name }
    if (found.index > at) parts.push(text.slice(at, found.index))
    parts.push(variable)
    at = found.index + found[0].length
  }
  if (at < text.length) parts.push(text.slice(at))
  return { template: parts }
}

/** Fills a template in. */
export const fill = (template: Template, read: (variable: Variable) => string): string => {
  let text = ''
  for (const part of template) text += typeof part === 'string' ? part : read(part)
  return text
}
