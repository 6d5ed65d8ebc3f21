/** Wrong use of a command: exit code 2. Everything else that goes wrong is 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
