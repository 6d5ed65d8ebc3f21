/** What somebody may have meant. */

/** How many letters must be added, left out, changed or swapped with the next. */
const distance = (a: string, b: string): number => {
  let before: readonly number[] = []
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(change, at(last, j) + 1, at(row, j - 1) + 1, isSwap ? at(before, j - 2) + 1 : change))
    }
    before = last
    last = row
  }
  return at(last, b.length)
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY

/** The known word that is written almost like this one; undefined when none is. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const limit = Math.max(1, Math.floor(word.length / 5))
  const close = known
    .filter((each) => Math.abs(each.length - word.length) <= limit)
    .map((each) => ({ each, far: distance(word, each) }))
    .sort((a, b) => a.far - b.far)
  const [best] = close
  return best && best.far <= limit ? best.each : undefined
}
