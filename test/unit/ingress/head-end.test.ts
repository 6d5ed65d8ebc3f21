import t from 'tap'
import { emptyLineLength, headLength, refuseEarly } from '../../../src/proxy/ingress/http/head-end.ts'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { Refusal } from '../../../src/proxy/ingress/http/refusal.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

t.test('the end is found wherever the bytes were split', async (t) => {
  const whole = 'GET / HTTP/1.1\r\nHost: a\r\n\r\nrest'
  const end = whole.indexOf('rest')
  for (let split = 0; split < end; split++) {
    t.equal(headLength(bytes(whole.slice(0, split)), 0, 1_000), 0)
    t.equal(headLength(bytes(whole), split, 1_000), end)
  }
})

t.test('a head beyond the limit is refused before it is complete', async (t) => {
  t.throws(() => headLength(bytes('GET / HTTP/1.1\r\nX: y'), 0, 16), new Refusal(431, 'head too large'))
  t.throws(
    () => headLength(bytes(`GET / HTTP/1.1\r\nX: ${'y'.repeat(20)}\r\n\r\n`), 0, 30),
    new Refusal(431, 'head too large'),
  )
  t.equal(headLength(bytes('a\r\n\r\nwhat follows does not count'), 0, 5), 5)
})

t.test('the start of a head that cannot become one is refused at once', async (t) => {
  const status = (text: string): number => {
    try {
      refuseEarly(bytes(text), defaultLimits)
      return 0
    } catch (error) {
      return (error as { status: number }).status
    }
  }
  t.equal(status('GET / HT'), 0)
  t.equal(status('\r'), 0, 'half an empty line')
  t.equal(status('\r\n'), 400, 'the second empty line')
  t.equal(status('\x16\x03\x01'), 400, 'TLS')
  t.equal(status('get'), 400)
  t.equal(status('GET / HTTP/1.1\n'), 400)
  t.equal(status('GET / HTTP/1.1\r\nHost: a\n\n'), 400)
  t.equal(status(`GET /${'a'.repeat(9_000)}`), 414)
})

t.test('one empty line may come before', async (t) => {
  t.equal(emptyLineLength(bytes('\r\nGET')), 2)
  t.equal(emptyLineLength(bytes('\nGET')), 0)
  t.equal(emptyLineLength(bytes('GET')), 0)
})
