/** What a Go source says, as far as the tests of the suite use the language. */

export interface TypeNode {
  readonly kind: 'named' | 'list' | 'map' | 'struct' | 'other'
  /** Of a named one: `http.Request`; empty otherwise. */
  readonly name: string
  readonly element?: TypeNode
}

export type Expression =
  | { readonly kind: 'value'; readonly value: string | number }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'field'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly of: Expression; readonly at: Expression }
  | { readonly kind: 'slice'; readonly of: Expression; readonly from?: Expression; readonly to?: Expression }
  | { readonly kind: 'call'; readonly of: Expression; readonly values: readonly Expression[]; readonly spread: boolean }
  | { readonly kind: 'unary'; readonly mark: string; readonly of: Expression }
  | { readonly kind: 'binary'; readonly mark: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'literal'; readonly type: TypeNode | undefined; readonly elements: readonly Element[] }
  | { readonly kind: 'function'; readonly names: readonly string[]; readonly body: readonly Statement[] }
  | { readonly kind: 'type'; readonly type: TypeNode }

export interface Element {
  readonly key: Expression | undefined
  readonly value: Expression
}

/** Without values: what is left. */
export interface Case {
  readonly values: readonly Expression[]
  readonly body: readonly Statement[]
}

export type Statement =
  | { readonly kind: 'expression'; readonly of: Expression }
  | {
      readonly kind: 'assign'
      readonly mark: string
      readonly to: readonly Expression[]
      readonly from: readonly Expression[]
    }
  | {
      readonly kind: 'if'
      readonly first?: Statement
      readonly when: Expression
      readonly then: readonly Statement[]
      readonly else: readonly Statement[]
    }
  | {
      readonly kind: 'range'
      readonly names: readonly (string | undefined)[]
      readonly over: Expression
      readonly body: readonly Statement[]
    }
  | {
      readonly kind: 'loop'
      readonly first: Statement
      readonly when: Expression
      readonly step: Statement
      readonly body: readonly Statement[]
    }
  | { readonly kind: 'switch'; readonly of: Expression; readonly cases: readonly Case[] }
  | { readonly kind: 'return'; readonly values: readonly Expression[] }
  | { readonly kind: 'jump'; readonly word: 'break' | 'continue' }
  | { readonly kind: 'defer'; readonly of: Expression }
