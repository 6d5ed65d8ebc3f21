/** A text in quotes as Go writes it (`%q`): nothing in it ends a line or a terminal's patience. */
const named: Readonly<Record<string, string>> = { '\u0007': '\\a', '\u000b': '\\v' }

export const goQuote = (text: string): string =>
  JSON.stringify(text)
    .replaceAll(
      /\\u00([0-9a-f]{2})/g,
      (_, digits: string) => named[String.fromCharCode(Number.parseInt(digits, 16))] ?? `\\x${digits}`,
    )
    .replaceAll('\u007f', '\\x7f')

/** A list of texts as Go shows it (`%#v`). */
export const goTexts = (values: readonly string[]): string => `[]string{${values.map(goQuote).join(', ')}}`
