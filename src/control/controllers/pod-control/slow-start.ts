/** Work in batches of 1, 2, 4 …: when the API refuses, one refusal is enough. */

/** Resolves to what was done, and to the first failure when it stopped early. */
export const slowStart = async <T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<{ readonly done: readonly R[]; readonly error?: unknown }> => {
  const done: R[] = []
  for (let start = 0, size = 1; start < items.length; start += size, size *= 2) {
    const results = await Promise.allSettled(items.slice(start, start + size).map(work))
    for (const result of results) if (result.status === 'fulfilled') done.push(result.value)
    const failed = results.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') return { done, error: failed.reason }
  }
  return { done }
}
