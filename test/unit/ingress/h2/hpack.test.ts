/** HPACK: the examples of RFC 7541 appendix C, our writer against our reader, and wrong blocks. */
import t from 'tap'
import { isConnectionError } from '../../../../src/proxy/ingress/h2/errors.ts'
import { createHpackDecoder, type HpackDecoder } from '../../../../src/proxy/ingress/h2/hpack-decoder.ts'
import { createHpackEncoder, maxBlockBytes } from '../../../../src/proxy/ingress/h2/hpack-encoder.ts'
import { decodeHuffman } from '../../../../src/proxy/ingress/h2/huffman-decode.ts'
import { huffmanLength, writeHuffman } from '../../../../src/proxy/ingress/h2/huffman-encode.ts'
import type { SentField } from '../../../../src/proxy/ingress/h2/seam.ts'
import { rounds, seedOr } from '../../../support/rounds.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'

const limit = 32 * 1024

const decode = (decoder: HpackDecoder, block: Buffer | string): readonly string[] | undefined => {
  const bytes = typeof block === 'string' ? Buffer.from(block, 'hex') : block
  return decoder.decode(bytes, 0, bytes.length)?.map(({ key, value }) => `${key}: ${value}`)
}

const get = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com']
const requests = [
  get,
  [...get, 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
]
const dated = (status: string, second: number): readonly string[] => [
  `:status: ${status}`,
  'cache-control: private',
  `date: Mon, 21 Oct 2013 20:13:${second} GMT`,
  'location: https://www.example.com',
]
const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'
const answers = [dated('302', 21), dated('307', 21), [...dated('200', 22), 'content-encoding: gzip', cookie]]

/** The answers are meant for a table of 256 bytes, which a size update in front makes here. */
const small = '3fe101'

const examples: Readonly<Record<string, readonly [blocks: readonly string[], lists: readonly (readonly string[])[]]>> =
  {
    'C.3 requests': [
      [
        '828684410f7777772e6578616d706c652e636f6d',
        '828684be58086e6f2d6361636865',
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
      ],
      requests,
    ],
    'C.4 requests, Huffman': [
      [
        '828684418cf1e3c2e5f23a6ba0ab90f4ff',
        '828684be5886a8eb10649cbf',
        '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
      ],
      requests,
    ],
    'C.5 answers, with evictions': [
      [
        `${small}4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d`,
        '4803333037c1c0bf',
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
      ],
      answers,
    ],
    'C.6 answers, Huffman, with evictions': [
      [
        `${small}488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3`,
        '4883640effc1c0bf',
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      ],
      answers,
    ],
  }

t.test('examples of appendix C', async (t) => {
  for (const [name, [blocks, lists]] of Object.entries(examples)) {
    const decoder = createHpackDecoder(limit)
    t.same(
      blocks.map((block) => decode(decoder, block)),
      lists,
      name,
    )
  }
})

t.test('Huffman: whatever was written is read again', async (t) => {
  const random = createSeededRandom(seedOr(7))
  const every = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))
  const texts = [
    every,
    '',
    'a',
    ...Array.from({ length: 500 }, () =>
      String.fromCharCode(...Array.from({ length: random.below(200) }, () => random.below(256))),
    ),
  ]
  for (const text of texts) {
    const bytes = Buffer.alloc(huffmanLength(text) + 1, 0x55)
    const end = writeHuffman(text, bytes, 0)
    if (end !== bytes.length - 1 || decodeHuffman(bytes, 0, end) !== text) t.fail(`lost ${JSON.stringify(text)}`)
  }
  t.equal(huffmanLength('\u010a'), huffmanLength('?'), 'what is beyond latin1 becomes a question mark, never a line')
})

const wrong: Readonly<Record<string, string>> = {
  'index 0': '80',
  'index beyond the tables': 'be',
  'integer without an end': 'ffffff',
  'integer too large': 'ffffffffffff7f',
  'integer of many zeros': 'ff80808080808080808080808000',
  'string without an end': '400a6162',
  'no value': '400161',
  'no name': '40',
  'table larger than allowed': '3fe220',
  'size update behind a field': '8220',
  'Huffman: the end of text': '400161 84ffffffff',
  'Huffman: eight bits of padding': '400161 8207ff',
  'Huffman: padding of zeros': '400161 8100',
}

/** What reading it throws, 'read' when it does not. */
const outcome = (action: () => unknown): string => {
  try {
    action()
    return 'read'
  } catch (error) {
    if (isConnectionError(error)) return error.message.split(':')[0] ?? ''
    throw error
  }
}

t.test('wrong blocks', async (t) => {
  for (const [name, block] of Object.entries(wrong))
    t.equal(
      outcome(() => decode(createHpackDecoder(limit), block.replaceAll(' ', ''))),
      'COMPRESSION_ERROR',
      name,
    )
})

t.test('a short block that becomes a long list', async (t) => {
  const decoder = createHpackDecoder(limit)
  const long = Buffer.concat([Buffer.from('4001617fa11e', 'hex'), Buffer.alloc(4000, 'x')])
  t.equal(decode(decoder, long)?.length, 1)
  t.equal(decode(decoder, Buffer.alloc(1000, 0xbe)), undefined, 'is not given out')
  t.equal(decode(decoder, 'be')?.length, 1, 'the table is as it was')
})

const written = (encoder: ReturnType<typeof createHpackEncoder>, fields: readonly SentField[]): Buffer => {
  const block = Buffer.alloc(maxBlockBytes(fields))
  return block.subarray(0, encoder.encode(fields, block, 0))
}

t.test('what repeats becomes short, secrets do not', async (t) => {
  const encoder = createHpackEncoder()
  const decoder = createHpackDecoder(limit)
  const fields = [
    { key: ':status', value: '200' },
    { key: 'server', value: 'a server' },
    { key: 'x-own', value: 'a value' },
  ]
  const lengths = [1, 2, 3].map(() => {
    const block = written(encoder, fields)
    t.same(
      decode(decoder, block),
      fields.map(({ key, value }) => `${key}: ${value}`),
    )
    return block.length
  })
  t.equal(lengths[2], 3, 'one byte a field')
  const secret = [{ key: 'authorization', value: 'a' }]
  for (const _ of [1, 2, 3]) t.equal((written(encoder, secret)[0] ?? 0) & 0xf0, 0x10, 'never indexed')
})

t.test('random lists through our writer and reader, with other table sizes in between', async (t) => {
  const random = createSeededRandom(seedOr(11))
  const encoder = createHpackEncoder()
  const decoder = createHpackDecoder(1024 * 1024)
  const text = (length: number): string =>
    String.fromCharCode(...Array.from({ length: random.below(length) }, () => 97 + random.below(26)))
  const names = Array.from({ length: 40 }, (_, at) => `n${at}${text(20)}`)
  const values = Array.from({ length: 6 }, () => text(300))
  for (let round = 0; round < rounds(3_000, 60_000); round++) {
    if (random.below(50) === 0) encoder.limit(random.below(3) === 0 ? 0 : random.below(6000))
    if (random.below(50) === 0) encoder.limit(random.below(6000))
    const fields = Array.from({ length: random.below(12) }, () => ({
      key: random.below(10) === 0 ? 'cache-control' : (names[random.below(names.length)] ?? ''),
      value: random.below(5) === 0 ? text(400) : (values[random.below(values.length)] ?? ''),
    }))
    const expected = fields.map(({ key, value }) => `${key}: ${value}`)
    const found = decode(decoder, written(encoder, fields))
    if (JSON.stringify(found) !== JSON.stringify(expected)) return t.fail(`round ${round}`)
  }
})
