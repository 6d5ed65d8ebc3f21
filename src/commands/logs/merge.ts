/** Several logs as one, in the order of their lines' times; each is in order by itself. */
import type { LogLine } from './lines.ts'

export interface Read<S> {
  readonly source: S
  readonly lines: AsyncIterable<readonly LogLine[]>
}

export interface Merged<S> {
  readonly source: S
  readonly line: LogLine
}

interface Head<S> {
  readonly source: S
  readonly next: AsyncIterator<readonly LogLine[]>
  lines: readonly LogLine[]
  at: number
}

/** False at the end of a log; one that fails has ended, and that is told. */
const refill = async <S>(head: Head<S>, onFailure: (source: S, error: unknown) => void): Promise<boolean> => {
  try {
    while (head.at >= head.lines.length) {
      const { done, value } = await head.next.next()
      if (done) return false
      head.lines = value
      head.at = 0
    }
    return true
  } catch (error) {
    onFailure(head.source, error)
    return false
  }
}

/** Lines of the same time come in the order of `reads`. */
const earliest = <S>(heads: readonly Head<S>[]): Head<S> | undefined => {
  let found: Head<S> | undefined
  for (const head of heads)
    if (!found || (head.lines[head.at]?.time ?? '') < (found.lines[found.at]?.time ?? '')) found = head
  return found
}

/** Holds no more of each log than what it last sent. */
export async function* mergeLogs<S>(
  reads: readonly Read<S>[],
  onFailure: (source: S, error: unknown) => void,
): AsyncGenerator<Merged<S>> {
  const all: readonly Head<S>[] = reads.map(({ source, lines }) => ({
    ...{ source, next: lines[Symbol.asyncIterator](), lines: [], at: 0 },
  }))
  const filled = await Promise.all(all.map((head) => refill(head, onFailure)))
  let heads = all.filter((_, at) => filled[at])
  for (let head = earliest(heads); head; head = earliest(heads)) {
    const line = head.lines[head.at++]
    if (line) yield { source: head.source, line }
    if (head.at >= head.lines.length && !(await refill(head, onFailure))) heads = heads.filter((each) => each !== head)
  }
}
