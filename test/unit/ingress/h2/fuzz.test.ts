/** Mutated conversations: nothing that a peer sends makes a connection throw, grow, or speak after its end. */
import t from 'tap'
import {
  createBytePeer,
  cut,
  frame,
  getBlock,
  hello,
  okBlock,
  request,
  settings,
  uint32,
} from '../../../support/h2-peer.ts'
import { rounds, seedOr } from '../../../support/rounds.ts'
import { createSeededRandom, type SeededRandom } from '../../../support/seeded-random.ts'

const count = rounds(20_000, 400_000)
const seed = seedOr(1)

const ids: readonly [number, ...number[]] = [0, 1, 1, 1, 3, 3, 5, 7, 2]

const randomBytes = (random: SeededRandom, length: number): Buffer =>
  Buffer.from(Array.from({ length: random.below(length) }, () => random.below(256)))

const anyFrame = (random: SeededRandom): Buffer => {
  const id = random.pick(ids)
  const makers: readonly [() => Buffer, ...(() => Buffer)[]] = [
    () => request(id, random.below(2) === 0),
    () => frame(1, 4, id, okBlock),
    () => frame(1, random.below(256), id, getBlock),
    () => frame(9, random.below(8), id, getBlock),
    () => frame(0, random.below(2), id, randomBytes(random, 50)),
    () => frame(0, 9, id, randomBytes(random, 50)),
    () => frame(3, 0, id, uint32(random.below(16))),
    () => frame(8, 0, id, uint32(random.below(2 ** 31))),
    () => settings([random.below(8), random.below(70_000)]),
    () => frame(6, random.below(2), 0, Buffer.alloc(8)),
    () => frame(7, 0, 0, Buffer.alloc(8)),
    () => frame(1, 5, id, randomBytes(random, 40)),
    () => frame(random.below(12), random.below(256), id, randomBytes(random, 40)),
  ]
  return random.pick(makers)()
}

const mutate = (bytes: Buffer, random: SeededRandom): Buffer => {
  const changes = random.below(3)
  for (let change = 0; change < changes && bytes.length > 0; change++)
    bytes[random.below(bytes.length)] = random.below(256)
  return bytes
}

const conversation = (random: SeededRandom, role: 'server' | 'client'): Buffer[] => {
  const start = role === 'server' ? Buffer.concat([hello, request(1, random.below(2) === 0)]) : settings()
  const frames = Array.from({ length: random.below(12) }, () => anyFrame(random))
  const bytes = Buffer.concat([start, mutate(Buffer.concat(frames), random)])
  const middle = random.below(bytes.length)
  return [bytes.subarray(0, middle), bytes.subarray(middle)]
}

t.test(`${count} mutated conversations (PODWAY_TEST_SEED=${seed})`, async (t) => {
  const random = createSeededRandom(seed)
  let ended = 0
  let heard = 0
  for (let round = 0; round < count; round++) {
    const role = random.below(3) === 0 ? 'client' : 'server'
    const peer = createBytePeer({
      role,
      onRequest: (stream) => {
        stream.sendFields([{ key: ':status', value: '200' }], false)
        stream.write(Buffer.alloc(random.below(100)), random.below(2) === 0)
      },
    })
    if (role === 'client') for (const ends of [true, false, true]) peer.ask(ends)
    const pieces = conversation(random, role)
    for (const piece of pieces) peer.receive(piece)
    peer.connection.transportClosed()
    const last = peer.heard.map(({ events }) => events.filter((event) => event.startsWith('aborted')).length)
    const sent = peer.sent()
    const start = role === 'client' ? 24 : 0
    const goAways = cut(sent.subarray(start)).filter(({ type }) => type === 7)
    ended += peer.closed.length
    heard += peer.heard.length
    if (peer.closed.length > 1 || goAways.length > 1) t.fail(`round ${round}: ended twice`)
    if (last.some((aborted) => aborted > 1)) t.fail(`round ${round}: aborted twice`)
    if (peer.connection.openStreams > 0) t.fail(`round ${round}: streams are left`)
    if (sent.length > 20_000) t.fail(`round ${round}: said ${sent.length} bytes`)
  }
  t.ok(ended > count / 10, `${ended} connections were ended`)
  t.ok(heard > count / 10, `${heard} requests were read`)
})
