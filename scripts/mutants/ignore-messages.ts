/**
 * A plugin of Stryker: what an error says when it is thrown, and what a log line says, are words and no behaviour. That
 * something is thrown or logged at all is still up to the tests.
 */
interface SyntaxNode {
  readonly type: string
  readonly callee?: SyntaxNode
  readonly object?: SyntaxNode
  readonly property?: SyntaxNode
  readonly name?: string
}

interface SyntaxPath {
  readonly node: SyntaxNode
  readonly parent?: SyntaxNode
}

const isErrorMade = ({ type, callee }: SyntaxNode): boolean =>
  type === 'NewExpression' && /(Error|Taken|OutOfRange|Exhausted)$/.test(callee?.name ?? '')

const isLogged = ({ type, callee }: SyntaxNode): boolean =>
  type === 'CallExpression' && [callee?.object?.name, callee?.object?.property?.name].includes('log')

const messages = {
  shouldIgnore: ({ parent }: SyntaxPath): string | undefined =>
    parent && (isErrorMade(parent) || isLogged(parent)) ? 'the words of a message' : undefined,
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'messages', value: messages }]
