/** What processes use, where no group tells. */
import t from 'tap'
import {
  familyIn,
  type ProcessRow,
  parsePageBytes,
  parseStat,
  parseStatm,
  readProcessTable,
  tableOf,
  usageOf,
} from '../../../../src/agent/usage/process-table.ts'

const statLine = (pid: number, name: string, parent: number, session: number, numbers: string) =>
  `${pid} (${name}) S ${parent} ${pid} ${session} 0 -1 4194560 ${numbers} 20 0 1 0 5000 8192000 700 18446744073709551615\n`

t.test('a line of /proc/PID/stat, whatever the name is', async (t) => {
  for (const name of ['sleep', 'a b', ') S 1 1', 'x\n) R 9'])
    t.strictSame(
      parseStat(statLine(42, name, 7, 40, '100 20 3 4 250 50 7 3')),
      {
        ...{ pid: 42, parent: 7, session: 40, cpuNanoseconds: 310 * 10_000_000 },
        ...{ pageFaults: 120, majorPageFaults: 7 },
      },
      name,
    )
  for (const text of ['', '42', '42 (x) S', 'x (y) S 1 2 3']) t.equal(parseStat(text), undefined, text)
  t.strictSame(parseStatm('2000 700 400 10 0 90 0\n'), { resident: 700, shared: 400 })
  t.strictSame(parseStatm(''), { resident: 0, shared: 0 })
  t.equal(parsePageBytes('7f00 r\nSize: 4 kB\nKernelPageSize:       64 kB\n'), 65_536)
  t.equal(parsePageBytes(''), 4096)
})

const row = (pid: number, parent: number, session: number, more: Partial<ProcessRow> = {}): ProcessRow => ({
  ...{ pid, parent, session, cpuNanoseconds: pid * 1000, pageFaults: 1, majorPageFaults: 0, ...more },
})

t.test('a family is all that came from its leader, by birth or by session', async (t) => {
  const table = tableOf([
    ...[row(1, 0, 1), row(10, 1, 10), row(11, 10, 10), row(12, 11, 10)],
    // A session of its own, under a parent that is still there; its child, too.
    ...[row(13, 12, 13), row(14, 13, 13)],
    // Its parent has ended, so it is another one's child; the session tells.
    ...[row(15, 1, 10), row(16, 15, 16)],
    ...[row(20, 1, 20), row(21, 20, 20)],
  ])
  const pids = (leader: number) =>
    familyIn(table, leader)
      .map(({ pid }) => pid)
      .toSorted((a, b) => a - b)
  t.strictSame(pids(10), [11, 12, 13, 14, 15, 16])
  t.strictSame(pids(20), [21])
  t.strictSame(pids(99), [])
})

t.test('a circle of parents, as a table read while processes come and go may show, ends', async (t) => {
  const table = tableOf([row(5, 6, 5), row(6, 5, 5)])
  t.strictSame(
    familyIn(table, 5).map(({ pid }) => pid),
    [6],
  )
})

t.test('pages of programs count once', async (t) => {
  const pages = new Map([
    [1, { resident: 100, shared: 60 }],
    [2, { resident: 90, shared: 80 }],
  ])
  const members = [row(1, 0, 1), row(2, 0, 1), row(3, 0, 1)]
  t.strictSame(
    usageOf(members, (pid) => pages.get(pid) ?? { resident: 0, shared: 0 }, 4096),
    {
      cpuNanoseconds: 6000,
      memory: {
        ...{ usageBytes: 130 * 4096, workingSetBytes: 130 * 4096, rssBytes: 50 * 4096 },
        ...{ pageFaults: 3, majorPageFaults: 0 },
      },
      processes: 3,
    },
  )
  t.match(
    usageOf([], () => ({ resident: 1, shared: 1 }), 4096),
    { cpuNanoseconds: 0, memory: { usageBytes: 0 } },
  )
})

t.test('this process is in the table of the machine', async (t) => {
  const { rows } = readProcessTable()
  t.match(rows.get(process.pid), { parent: process.ppid })
  t.equal(rows.get(process.pid)?.pid, process.pid)
})
