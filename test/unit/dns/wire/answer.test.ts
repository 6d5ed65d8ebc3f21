/** Answers of others, taken apart. */
import t from 'tap'
import { type ReadAnswer, readAnswer } from '../../../../src/dns/wire/answer.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { encodeName } from '../../../../src/dns/wire/name.ts'

const words = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, at * 2)
  return bytes
}

/** Of the question's name, which is `web.example`: at 12, `example` at 16. */
const pointer = (to: number): readonly number[] => [0xc0 | (to >> 8), to & 255]
const whole = pointer(12)
const parent = pointer(16)

interface Written {
  readonly owner?: readonly number[]
  readonly type: number
  readonly class?: number
  readonly ttl?: number
  readonly data: readonly number[]
  /** What is said of it. */
  readonly length?: number
}

const record = ({ owner = whole, type, class: kind = 1, ttl = 60, data, length = data.length }: Written): Buffer =>
  Buffer.concat([Buffer.from(owner), words(type, kind, ttl >> 16, ttl & 0xffff, length), Buffer.from(data)])

const message = (
  answers: readonly Written[],
  authority: readonly Written[] = [],
  { questions = 1, word = 0x8000 } = {},
): Buffer =>
  Buffer.concat([
    words(7, word, questions, answers.length, authority.length, 0),
    encodeName('web.example'),
    words(types.A, 1),
    ...[...answers, ...authority].map(record),
  ])

/** `owner data`, both in hexadecimal digits. */
const shown = (records: ReadAnswer['answers'] = []): readonly string[] =>
  records.map(({ owner, type, ttl, data }) =>
    [Buffer.from(owner ?? []).toString('latin1'), type, ttl, Buffer.from(data).toString('hex')].join(' '),
  )
const hex = (...parts: readonly (Uint8Array | readonly number[])[]): string =>
  Buffer.concat(parts.map((part) => Buffer.from(part))).toString('hex')

const name = encodeName('web.example')
const named = Buffer.from(name).toString('latin1')

t.test('records stand alone', async (t) => {
  const read = readAnswer(
    message(
      [
        { type: types.A, ttl: 0x1_0002, data: [10, 0, 0, 1] },
        { owner: [1, 97, ...parent], type: types.A, data: [10, 0, 0, 2] },
        { type: types.A, class: 3, data: [10, 0, 0, 3] },
      ],
      [{ owner: parent, type: types.NS, data: [2, 110, 115, ...parent] }],
      { word: 0x8203 },
    ),
  )
  t.match(read, { rcode: 3, isTruncated: true })
  t.same(
    shown(read?.answers),
    [`${named} 1 65538 0a000001`, `${Buffer.from(encodeName('a.example')).toString('latin1')} 1 60 0a000002`],
    'of other classes there are none',
  )
  t.same(shown(read?.authority), [
    `${Buffer.from(encodeName('example')).toString('latin1')} 2 60 ${hex(encodeName('ns.example'))}`,
  ])
  t.match(readAnswer(message([], [], { word: 0x8000 })), { rcode: 0, isTruncated: false, answers: [], authority: [] })
})

t.test('names in data, whatever the type', async (t) => {
  const head = (length: number): readonly number[] => Array.from({ length }, (_, at) => at + 1)
  const numbers = [9, 9, 9, 9]
  for (const [type, before, names] of [
    [types.NS, 0, 1],
    [types.CNAME, 0, 1],
    [types.SOA, 0, 2],
    [types.PTR, 0, 1],
    [types.MX, 2, 1],
    [types.SRV, 6, 1],
    ...[7, 8, 9, 39].map((each) => [each, 0, 1] as const),
    ...[14, 17].map((each) => [each, 0, 2] as const),
    ...[18, 21, 36].map((each) => [each, 2, 1] as const),
    [26, 2, 2],
  ] as const) {
    const pointers = Array.from({ length: names }, () => whole).flat()
    const expanded = Array.from({ length: names }, () => name)
    const data = [...head(before), ...pointers, ...numbers]
    const read = readAnswer(
      message([
        { type, data },
        { type: types.A, data: [1, 2, 3, 4] },
      ]),
    )
    t.same(
      read?.answers.map((each) => hex(each.data)),
      [hex(head(before), ...expanded, numbers), '01020304'],
      `type ${type}`,
    )
    t.equal(readAnswer(message([{ type, data: head(before) }])), undefined, `type ${type} without its name`)
    const cut = [...head(before), ...pointers].slice(0, -1)
    t.equal(
      readAnswer(
        message([
          { type, data: cut },
          { type: types.A, data: [1, 2, 3, 4] },
        ]),
      ),
      undefined,
    )
  }
  const opaque = [...whole, ...whole]
  t.equal(hex(readAnswer(message([{ type: types.TXT, data: opaque }]))?.answers[0]?.data ?? []), hex(opaque))
})

t.test('pointers lead backwards, and to an end', async (t) => {
  const owner = (bytes: readonly number[]) => readAnswer(message([{ owner: bytes, type: types.A, data: [1, 2, 3, 4] }]))
  // The first record is at 12 + 13 + 4.
  const first = 29
  t.ok(owner(whole))
  t.equal(owner(pointer(first)), undefined, 'to itself')
  t.equal(owner(pointer(first + 1)), undefined, 'forwards')
  t.equal(owner([1, 97, ...pointer(first)]), undefined, 'round and round')
  t.equal(owner([0x40, 97]), undefined, 'a length that is none')
  t.ok(owner([63, ...Buffer.alloc(63, 97), 0]))
  t.equal(owner([64, ...Buffer.alloc(64, 97), 0]), undefined)
  const twice = readAnswer(
    message([
      { owner: [1, 97, ...parent], type: types.A, data: [1, 2, 3, 4] },
      { owner: [1, 98, ...pointer(first)], type: types.A, data: [1, 2, 3, 4] },
    ]),
  )
  t.equal(hex(twice?.answers[1]?.owner as Uint8Array), hex(encodeName('b.a.example')), 'by way of another one')
  // A pointer's high bits count: 256 and more.
  const filler = { type: types.TXT, data: Array.from({ length: 300 }, () => 0) }
  const far = first + 2 + 10 + 300
  const distant = readAnswer(
    message([
      filler,
      { owner: [1, 99, 0], type: types.A, data: [1, 2, 3, 4] },
      { owner: pointer(far), type: types.A, data: [1, 2, 3, 4] },
    ]),
  )
  t.equal(hex(distant?.answers[2]?.owner as Uint8Array), hex([1, 99, 0]))
})

t.test('names have an end, at 255 bytes', async (t) => {
  const label = [63, ...Buffer.alloc(63, 97)]
  const longest = [...label, ...label, ...label, 61, ...Buffer.alloc(61, 98), 0]
  const owned = (bytes: readonly number[]) => readAnswer(message([{ owner: bytes, type: types.A, data: [1, 2, 3, 4] }]))
  t.equal(longest.length, 255)
  t.equal(hex(owned(longest)?.answers[0]?.owner as Uint8Array), hex(longest))
  t.equal(owned([...label, ...label, ...label, 62, ...Buffer.alloc(62, 98), 0]), undefined)
  t.equal(
    owned([...label, ...label, ...label, 54, ...Buffer.alloc(54, 98), ...whole]),
    undefined,
    'together with what it points to',
  )
})

t.test('what is not whole is none', async (t) => {
  const good = message([{ type: types.MX, data: [0, 1, ...whole] }], [{ type: types.A, data: [1, 2, 3, 4] }])
  t.ok(readAnswer(good))
  for (let length = 0; length < good.length; length++)
    t.equal(readAnswer(good.subarray(0, length)), undefined, `cut at ${length}`)
  t.equal(readAnswer(message([], [], { questions: 0 })), undefined)
  t.equal(readAnswer(message([], [], { questions: 2 })), undefined)
  t.equal(readAnswer(message([{ type: types.A, data: [1, 2, 3, 4], length: 5 }])), undefined)
  const pointing = message([])
  pointing.set([0xc0, 12], 12)
  t.equal(readAnswer(pointing), undefined, 'a question that points')
})
