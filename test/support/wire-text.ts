/** What is wrong with the bytes that a proxy writes, looked at by somebody who trusts no part of them. */

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const value = /^[\t\x20-\x7e\x80-\xff]*$/

/** Of a head as text: one start line, one field a line, an empty line, and nothing that nobody meant. */
export const headFault = (text: string, startLine: RegExp): string | undefined => {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return `no end of the head: ${JSON.stringify(text.slice(0, 300))}`
  const [start = '', ...lines] = text.slice(0, end).split('\r\n')
  if (!startLine.test(start)) return `the start line ${JSON.stringify(start.slice(0, 300))}`
  for (const line of lines) {
    const colon = line.indexOf(':')
    const [name, rest] = [line.slice(0, colon), line.slice(colon + 1)]
    if (colon < 0 || !token.test(name) || !value.test(rest)) return `the line ${JSON.stringify(line.slice(0, 300))}`
    if (/^x-evil$/i.test(name)) return `a field that nobody meant: ${JSON.stringify(line.slice(0, 300))}`
  }
  return undefined
}

export const requestLine = /^[A-Z]{1,32} [\x21-\x22\x24-\x7e]+ HTTP\/1\.1$/
export const statusLine = /^HTTP\/1\.[01] \d{3} [\t\x20-\x7e]*$/

/** Of fields as HTTP/2 has them. */
export const fieldsFault = (
  fields: readonly { readonly key: string; readonly value: string }[],
): string | undefined => {
  const wrong = fields.find(
    (each) => !/^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(each.key) || !value.test(each.value) || each.key === 'x-evil',
  )
  return wrong && `the field ${JSON.stringify(wrong).slice(0, 300)}`
}
