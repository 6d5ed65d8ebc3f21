import t from 'tap'
import { type LogLine, maxLineBytes, readLines } from '../../../../src/commands/logs/lines.ts'

const read = async (...chunks: readonly (string | Buffer)[]): Promise<readonly LogLine[]> => {
  async function* bytes() {
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  const all: LogLine[] = []
  for await (const lines of readLines(bytes())) all.push(...lines)
  return all
}

const shown = (lines: readonly LogLine[]) => lines.map(({ time, text }) => [time, text.toString()])

t.test('lines and their times, however the bytes come', async (t) => {
  const whole = '2026-01-02T03:04:05.1Z one\n2026-01-02T03:04:05.12Z two words\n'
  const expected = [
    ['2026-01-02T03:04:05.100000000Z', 'one'],
    ['2026-01-02T03:04:05.120000000Z', 'two words'],
  ]
  t.same(shown(await read(whole)), expected)
  t.same(shown(await read(...whole)), expected, 'byte by byte')
})

t.test('times compare as texts, from whatever kubelet', async (t) => {
  const [a, b, c] = await read(
    '2026-01-02T03:04:05Z a\n2026-01-02T05:04:05.000000001+02:00 b\n2026-01-02T03:04:05.9Z c\n',
  )
  t.same([a?.time, b?.time], ['2026-01-02T03:04:05.000000000Z', '2026-01-02T03:04:05.000000001Z'])
  t.ok((a?.time ?? '') < (b?.time ?? '') && (b?.time ?? '') < (c?.time ?? ''))
})

t.test('what is no time is text', async (t) => {
  const lines = ['2026-13-45T03:04:05Z x', 'plain words', ' 2026-01-02T03:04:05Z x', '', `${'x'.repeat(100)} y`]
  t.same(
    shown(await read(lines.map((line) => `${line}\n`).join(''))),
    lines.map((line) => ['', line]),
  )
})

t.test('a last line without an end, and one without any end', async (t) => {
  t.same(shown(await read('2026-01-02T03:04:05Z half')), [['2026-01-02T03:04:05.000000000Z', 'half']])
  const endless = Array.from({ length: 40 }, () => Buffer.alloc(64 * 1024, 'x'))
  const lines = await read(...endless)
  t.ok(lines.every(({ text }) => text.length <= maxLineBytes + 64 * 1024))
  t.equal(
    lines.reduce((sum, { text }) => sum + text.length, 0),
    40 * 64 * 1024,
    'nothing is lost',
  )
})

t.test('bytes that are no text stay as they are', async (t) => {
  const [line] = await read(Buffer.from([0xff, 0x00, 0xc3, 0x28, 10]))
  t.same([...(line?.text ?? [])], [0xff, 0x00, 0xc3, 0x28])
})
