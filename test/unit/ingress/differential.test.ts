/** Our reading of mutated requests against llhttp: a part of what `npm run bench fuzz` compares. */
import t from 'tap'
import { compareMany, compareReadings, summary } from '../../support/http-fuzz.ts'
import { mutatedRequest } from '../../support/http-mutations.ts'
import { rounds, seedOr } from '../../support/rounds.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const count = rounds(50_000, 1_000_000)
/** Another one each time: what is found is repeated with the seed that is printed. */
const seed = seedOr(Date.now() % 1_000_000)

t.test(`${count} mutated requests: PODWAY_TEST_SEED=${seed}`, async (t) => {
  const random = createSeededRandom(seed)
  const counts = compareMany(
    count,
    () => mutatedRequest(random),
    (text, why) => t.fail(`PODWAY_TEST_SEED=${seed}: ${JSON.stringify(text)}: ${why}`),
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
