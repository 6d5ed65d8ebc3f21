/** What a body may be: bounds that hold before anything is parsed, at a cost in proportion to its bytes. */
import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { ApiError } from '../../../../src/api/errors.ts'
import { createBodyParser } from '../../../../src/control/server/body/parse.ts'
import { createBodyReader } from '../../../../src/control/server/body/read.ts'

const { parse, check } = createBodyParser()
const json = 'application/json'
const yaml = 'application/yaml'
const protobuf = 'application/vnd.kubernetes.protobuf'
const mib = 1024 * 1024

const outcome = async (body: Buffer, type: string): Promise<number> => {
  try {
    await parse(body, type)
    return 200
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
}

const fields = (count: number, separator = ',') =>
  Array.from({ length: count }, (_, at) => `"k${at}":"v"`).join(separator)

/** As much as an honest client may send: what everything else is measured by. */
const honest = Buffer.from(`{"data":{${fields(22_000)},"text":"${'x'.repeat(2 * mib)}"}}`)

const field = (number: number, bytes: Buffer): Buffer => {
  const length: number[] = []
  for (let rest = bytes.length; ; rest >>>= 7) {
    if (rest < 128) {
      length.push(rest)
      break
    }
    length.push((rest & 127) | 128)
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes])
}
const message = (content: Buffer, kind = 'ConfigMap') =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([field(1, Buffer.from('v1')), field(2, Buffer.from(kind))])),
    field(2, content),
  ])
const repeat = (part: Buffer, times: number) => Buffer.concat(Array.from({ length: times }, () => part))
const mapEntry = (key: string) => field(2, Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from('v'))]))

const attacks: readonly (readonly [name: string, type: string, body: Buffer, code: number])[] = [
  ['lists within lists', json, Buffer.from('['.repeat(3 * mib)), 400],
  ['objects within objects', json, Buffer.from('{"a":'.repeat(600_000)), 400],
  ['nesting that closes', json, Buffer.from(`${'['.repeat(20_000)}${']'.repeat(20_000)}`), 400],
  ['brackets within a text', json, Buffer.from(`{"a":"${'[{,:'.repeat(500_000)}"}`), 200],
  ['quotes within a text', json, Buffer.from(`{"a":"${'\\"'.repeat(500_000)}"}`), 200],
  ['more fields than anybody has', json, Buffer.from(`{${fields(200_000)}}`), 413],
  ['more items than anybody has', json, Buffer.from(`[${'1,'.repeat(1_000_000)}1]`), 413],
  ['a field twice', json, Buffer.from('{"a":{"b":1,"c":2,"b":3}}'), 200],
  ['a field again and again', json, Buffer.from(`{"data":{${'"k":"v",'.repeat(24_000)}"k":1}}`), 200],
  ['long numbers', json, Buffer.from(`[${'9'.repeat(20)}${`,${'9'.repeat(100)}`.repeat(20_000)}]`), 200],
  ['a number without end', json, Buffer.from(`[${'9'.repeat(3 * mib - 2)}]`), 200],
  ['a name of the language', json, Buffer.from('{"data":{"__proto__":"x","constructor":"y"}}'), 200],
  ['a text without an end', json, Buffer.from(`"${'\\'.repeat(3 * mib)}`), 400],
  ['a mapping of YAML', yaml, Buffer.from(`a: b\n${'k: v\n'.repeat(20_000)}`), 200],
  ['JSON as YAML', yaml, honest, 200],
  ['YAML of more than a megabyte', yaml, Buffer.from('k: v\n'.repeat(600_000)), 413],
  ['aliases of aliases', yaml, Buffer.from(aliases()), 400],
  ['a key of YAML twice', yaml, Buffer.from('a: 1\nb: 2\na: 3\n'), 200],
  ['sequences within sequences', yaml, Buffer.from('- '.repeat(20_000)), 400],
  ['several documents', yaml, Buffer.from('a: 1\n---\nb: 2\n'), 400],
  ['no protobuf at all', protobuf, Buffer.alloc(3 * mib, 0xff), 400],
  [
    'a protobuf map',
    protobuf,
    message(Buffer.concat(Array.from({ length: 40_000 }, (_, at) => mapEntry(`k${at}`)))),
    413,
  ],
  [
    'a smaller protobuf map',
    protobuf,
    message(Buffer.concat(Array.from({ length: 8_000 }, (_, at) => mapEntry(`k${at}`)))),
    200,
  ],
  ['empty protobuf fields', protobuf, message(repeat(Buffer.from([0x12, 0x00]), 1_000_000)), 413],
  ['protobuf of a kind that is none', protobuf, message(Buffer.alloc(0), 'constructor'), 400],
  [
    'managed fields that nest',
    protobuf,
    message(field(1, field(17, field(7, field(1, Buffer.from(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`)))))),
    400,
  ],
]

function aliases(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let at = 1; at < 9; at++)
    lines.push(
      `a${at}: &a${at} [${Array(9)
        .fill(`*a${at - 1}`)
        .join(', ')}]`,
    )
  return lines.join('\n')
}

t.test('each gets its answer, and takes not much more of the event loop than an honest body does', async (t) => {
  /** Of this thread alone, however busy the machine is. */
  const measured = async (body: Buffer, type: string) => {
    const before = process.threadCpuUsage()
    const code = await outcome(body, type)
    const { user, system } = process.threadCpuUsage(before)
    return { code, ms: (user + system) / 1000 }
  }
  await measured(honest, json)
  const yardstick = Math.max((await measured(honest, json)).ms, (await measured(honest, json)).ms)
  for (const [name, type, body, code] of attacks) {
    const reply = await measured(body, type)
    t.equal(reply.code, code, name)
    t.ok(reply.ms < 5 * yardstick + 50, `${name}: ${Math.round(reply.ms)} ms against ${Math.round(yardstick)} ms`)
  }
})

t.test('a mapping of YAML with many keys is read in another thread', async (t) => {
  const body = Buffer.from(Array.from({ length: 14_000 }, (_, at) => `k${at}: v\n`).join(''))
  let turns = 0
  let isRead = false
  const count = (): void => {
    turns++
    if (!isRead) setImmediate(count)
  }
  setImmediate(count)
  const value = (await parse(body, yaml)) as Readonly<Record<string, string>>
  isRead = true
  t.equal(Object.keys(value).length, 14_000)
  t.ok(turns > 20, `${turns} turns of the event loop meanwhile`)
})

t.test('names of the language are names', async (t) => {
  const value = await parse(Buffer.from('__proto__: {polluted: 1}\n'), yaml)
  t.same(Object.keys(value as object), ['__proto__'])
  t.equal(({} as { polluted?: number }).polluted, undefined)
})

t.test('a format that is not read is refused before the body is', (t) => {
  t.throws(() => check('application/cbor'), { code: 415 })
  t.doesNotThrow(() => check('application/apply-patch+yaml'))
  t.end()
})

const request = (headers: Record<string, string> = {}) =>
  Object.assign(new EventEmitter(), { headers }) as unknown as IncomingMessage
const response = { writeContinue: () => undefined } as unknown as ServerResponse

t.test('bytes are counted as they come, and for all requests together', async (t) => {
  const reader = createBodyReader()
  await t.rejects(reader.read(request({ 'content-length': '4000000' }), response, mib), { code: 413 })

  const long = request()
  const refused = t.rejects(reader.read(long, response, 10), { code: 413 })
  long.emit('data', Buffer.alloc(11))
  await refused

  const slow = Array.from({ length: 22 }, () => request())
  const outcomes = slow.map((each) =>
    reader.read(each, response, 3 * mib).then(
      ({ length }) => length,
      (error: ApiError) => error.code,
    ),
  )
  for (const each of slow) each.emit('data', Buffer.alloc(3 * mib))
  for (const each of slow) each.emit('end')
  t.same((await Promise.all(outcomes)).filter((result) => result === 429).length, 1, 'one too many')

  const next = request()
  const read = reader.read(next, response, 3 * mib)
  next.emit('data', Buffer.from('{}'))
  next.emit('end')
  t.equal(String(await read), '{}', 'there is room again')
})
