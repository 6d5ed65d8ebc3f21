import t from 'tap'
import type { LogLine } from '../../../../src/commands/logs/lines.ts'
import { mergeLogs } from '../../../../src/commands/logs/merge.ts'

const line = (time: string): LogLine => ({ time, text: Buffer.from(time) })

async function* log(batches: readonly string[], error?: Error): AsyncGenerator<readonly LogLine[]> {
  for (const batch of batches) yield [...batch].map(line)
  if (error) throw error
}

const merge = async (logs: Readonly<Record<string, AsyncIterable<readonly LogLine[]>>>) => {
  const told: string[] = []
  const failed: string[] = []
  const reads = Object.entries(logs).map(([source, lines]) => ({ source, lines }))
  for await (const { source, line } of mergeLogs(reads, (source, error) => failed.push(`${source}: ${error}`)))
    told.push(`${source}${line.time}`)
  return { told: told.join(' '), failed }
}

t.test('by time; of the same time, by their order', async (t) => {
  const { told } = await merge({ a: log(['14', '48']), b: log(['12', '', '3', '49']), c: log([]) })
  t.equal(told, 'a1 b1 b2 b3 a4 a4 b4 a8 b9')
})

t.test('one that fails ends; the others go on', async (t) => {
  const { told, failed } = await merge({
    a: log(['1'], new Error('gone')),
    b: log(['29']),
    c: log([], new Error('away')),
  })
  t.equal(told, 'a1 b2 b9')
  t.same(failed, ['c: Error: away', 'a: Error: gone'])
})

t.test('no more is read than what is told next', async (t) => {
  let read = 0
  async function* endless(): AsyncGenerator<readonly LogLine[]> {
    for (;;) yield [line(String(++read).padStart(6, '0'))]
  }
  const merged = mergeLogs([{ source: 'a', lines: endless() }], () => undefined)
  for (let at = 0; at < 5; at++) await merged.next()
  await merged.return(undefined)
  t.ok(read <= 6, `${read} lines`)
})
