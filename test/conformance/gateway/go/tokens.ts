/** The words of a Go source. */

export type TokenKind = 'name' | 'number' | 'text' | 'mark' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** Of a text: what it stands for. */
  readonly text: string
  readonly line: number
}

const marks = [
  ...['<<=', '>>=', '&^=', '...', ':=', '==', '!=', '<=', '>=', '&&', '||', '++', '--', '+=', '-=', '*=', '/=', '<-'],
  ...['<<', '>>', '+', '-', '*', '/', '%', '&', '|', '^', '<', '>', '=', '!', '(', ')', '[', ']', '{', '}', ',', ';'],
  ...['.', ':', '~'],
]

/** A line that ends with one of these ends a statement. */
const ends = (token: Token | undefined): boolean =>
  token !== undefined &&
  (token.kind === 'number' ||
    token.kind === 'text' ||
    (token.kind === 'name' &&
      !/^(?:if|for|func|range|else|var|const|type|case|switch|struct|map|go|defer)$/.test(token.text)) ||
    (token.kind === 'mark' && [')', ']', '}', '++', '--'].includes(token.text)))

const patterns = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_]\w*|\d[\w.]*|"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)+'/y

const textOf = (written: string): string =>
  written.startsWith('`') ? written.slice(1, -1) : String(JSON.parse(written))

/** Throws for a character that begins no word of Go. */
export const tokensOf = (source: string): readonly Token[] => {
  const tokens: Token[] = []
  let line = 1
  const add = (kind: TokenKind, text: string): void => void tokens.push({ kind, text, line })
  for (let at = 0; at < source.length; ) {
    patterns.lastIndex = at
    const found = patterns.exec(source)?.[0]
    if (found === undefined) {
      const mark = marks.find((each) => source.startsWith(each, at))
      if (mark === undefined) throw new Error(`line ${line}: ${JSON.stringify(source[at])} begins no word of Go`)
      add('mark', mark)
      at += mark.length
      continue
    }
    const lines = found.split('\n').length - 1
    if (/^[\s/]/.test(found)) {
      if (lines > 0 && ends(tokens.at(-1))) add('mark', ';')
    } else if (/^\d/.test(found)) add('number', found)
    else if (/^["`]/.test(found)) add('text', textOf(found))
    else if (found.startsWith("'")) add('text', found.slice(1, -1))
    else add('name', found)
    line += lines
    at += found.length
  }
  add('mark', ';')
  add('end', '')
  return tokens
}
