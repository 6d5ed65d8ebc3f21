/** The forms of names and labels, with the messages that clients know (apimachinery's validation). */

export const labelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
export const subdomainPattern = `${labelPattern}(\\.${labelPattern})*`
const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`)

/** What is wrong with a text; undefined when nothing is. */
export type CheckText = (text: string) => string | undefined

export const textRule = (pattern: string, limit: number, message: string): CheckText => {
  const form = whole(pattern)
  return (text) => {
    if (text.length > limit) return `must be no more than ${limit} characters`
    return form.test(text) ? undefined : `${message}, regex used for validation is '${pattern}')`
  }
}

/** RFC 1123 subdomain: labels joined by dots, at most 253 characters. */
export const checkSubdomain = textRule(
  subdomainPattern,
  253,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com'",
)

const qualifiedForm =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

/** Of what stands left of the `=` in a label, and right of it. */
export const qualifiedNameMessage = `name part ${qualifiedForm}`
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

const longest = 63
const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/

/** What is wrong with `app` or `example.com/app`: what may stand left of the `=` in a label or annotation. */
export const qualifiedNameErrors = (text: string): readonly string[] => {
  const parts = text.split('/')
  if (parts.length > 2)
    return [
      `a qualified name ${qualifiedForm} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  const [name = '', prefix] = parts.reverse()
  const wrongPrefix = prefix === '' ? 'must be non-empty' : prefix && checkSubdomain(prefix)
  return [
    ...(wrongPrefix ? [`prefix part ${wrongPrefix}`] : []),
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...(name.length > longest ? [`name part must be no more than ${longest} characters`] : []),
    ...(namePart.test(name) ? [] : [qualifiedNameMessage]),
  ]
}

export const labelValueErrors = (text: string): readonly string[] => [
  ...(text.length > longest ? [`must be no more than ${longest} characters`] : []),
  ...(labelValue.test(text) ? [] : [labelValueMessage]),
]

export const isQualifiedName = (text: string): boolean => qualifiedNameErrors(text).length === 0
export const isLabelValue = (text: string): boolean => labelValueErrors(text).length === 0

/** The same with the one message by which objects are refused. */
export const checkQualifiedName: CheckText = (text) => (isQualifiedName(text) ? undefined : qualifiedNameMessage)
export const checkLabelValue: CheckText = (text) => (isLabelValue(text) ? undefined : labelValueMessage)
