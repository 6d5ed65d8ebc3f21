/** Where our answers are meant to be others than those of Kubernetes 1.20. Exit codes are the same even there. */
const reasons: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^(get service open -o json|describe service open)$/, 'Services have IP families, as in every later version'],
  [/^get hpa web -o yaml$/, 'autoscaling/v2 is what clients of later versions prefer'],
  [/^(get all$|api-resources --api-group=batch)/, 'CronJobs are in batch/v1, as in every later version'],
  [/^(get deployment web -o yaml|diff -f -)$/, 'a template has no creationTimestamp of null'],
  [/^(get|create|replace) --raw /, 'fields come in another order'],
  [/^autoscale deployment web --max=5$/, 'autoscaling/v2 is what clients of later versions ask for'],
  [/^debug alone .*--container=beside$/, 'ephemeral containers are of later versions, and spoken of in another way'],
  [/^describe configmap /, 'entries come in the order of a Go map'],
  [/^describe namespace /, 'namespaces are labelled with their names, as in every later version'],
  [/^get csr /, 'how long a certificate is asked for is a column, as in every later version'],
  [/^auth can-i --list/, 'everybody may ask who they are, as in every later version'],
  [/^get pods -l app=\($/, 'what is wrong with a selector is said in words of our own'],
  [/^patch deployment web -p \{"spec":\{"selector"/, 'values in errors are shown as JSON, not as Go'],
  [/^patch deployment web --type=json .*"test"/, 'which operation of a patch failed is told as a cause'],
]

/** What needs versions of kinds that this kubectl asks for and the server that was asked does not have, and what comes of that. */
const newerThanServer =
  /poddisruptionbudget|pdb|cronjob|whoami|^get all$|--prune -l set=one|-l set=one|label configmaps --all|^autoscale .* --cpu|^get hpa|^describe ingress|^debug alone .*--container=beside$/

/** Steps whose exit codes, too, depend on the versions of the two. */
export const isSkewed = (minor: string, words: string): boolean => minor !== '1.20' && newerThanServer.test(words)

/** Steps whose lines kubectl says in the order in which Go happens to go through a map. */
export const isUnordered = (words: string): boolean => words.startsWith('describe configmap ')

export const known = (words: string): string | undefined => reasons.find(([pattern]) => pattern.test(words))?.[1]
