/** Types of meta/v1, made by scripts/declare-types.ts. */

export interface FieldSelectorRequirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}
