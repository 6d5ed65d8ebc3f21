/** Our reading of mutated requests against llhttp: a part of what `npm run bench fuzz` compares. */
import t from 'tap'
import { compareMany, compareReadings, summary } from '../../support/http-fuzz.ts'
import { mutatedRequest } from '../../support/http-mutations.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const count = Number(process.env['FUZZ_HEADS'] ?? 50_000)
/** Another one each time: what is found is repeated with the seed that is printed. */
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)

t.test(`mutated requests: FUZZ_SEED=${seed} FUZZ_HEADS=${count}`, async (t) => {
  const random = createSeededRandom(seed)
  const counts = compareMany(
    count,
    () => mutatedRequest(random),
    (text, why) => t.fail(`FUZZ_SEED=${seed}: ${JSON.stringify(text)}: ${why}`),
  )
  t.comment(summary(count, counts))
  t.ok(counts.both > count / 10, `${counts.both} texts were read by both and compared`)
  t.ok(counts.neither + counts['llhttp alone'] > count / 10, 'and many refused')
})

t.test('the comparison itself sees what is to be seen', async (t) => {
  const verdict = (text: string) => compareReadings(text).verdict
  t.equal(verdict('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'both')
  t.equal(verdict('PURGE / HTTP/1.1\r\nHost: a\r\n\r\n'), 'both', 'methods that llhttp does not know')
  t.equal(verdict('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 05\r\n\r\nhello'), 'llhttp alone')
  t.equal(verdict('GET / HTTP/1.1\r\nHost : a\r\n\r\n'), 'neither')
})
