/** Where our answers are meant to be others than those of Kubernetes 1.20. Exit codes are the same even there. */
const reasons: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^(get service open -o json|describe service open)$/, 'Services have IP families, as in every later version'],
  [/^get hpa web -o yaml$/, 'autoscaling/v2 is what clients of later versions prefer'],
  [/^api-resources --api-group=batch/, 'CronJobs are in batch/v1, as in every later version'],
  [/^(get deployment web -o yaml|diff -f -)$/, 'a template has no creationTimestamp of null'],
  [/^get --raw /, 'fields come in another order'],
  [/^get pods -l app=\($/, 'what is wrong with a selector is said in words of our own'],
  [/^patch deployment web -p \{"spec":\{"selector"/, 'values in errors are shown as JSON, not as Go'],
  [/^patch deployment web --type=json .*"test"/, 'which operation of a patch failed is told as a cause'],
]

/** What needs policy/v1, which this kubectl asks for and the server that was asked does not have. */
const newerThanServer = /poddisruptionbudget|pdb|--prune|-l set=one/

/** Steps whose exit codes, too, depend on the versions of the two. */
export const isSkewed = (minor: string, words: string): boolean => minor !== '1.20' && newerThanServer.test(words)

/** Steps whose lines kubectl says in the order in which Go happens to go through a map. */
export const isUnordered = (words: string): boolean => words.startsWith('describe configmap ')

export const known = (words: string): string | undefined => reasons.find(([pattern]) => pattern.test(words))?.[1]
