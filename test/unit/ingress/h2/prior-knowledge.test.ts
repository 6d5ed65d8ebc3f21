import t from 'tap'
import { startOfPlain } from '../../../../src/proxy/ingress/h2/prior-knowledge.ts'

t.test('the first bytes of a plain connection', (t) => {
  for (const [text, wanted] of [
    ['', undefined],
    ['P', undefined],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r', undefined],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'HTTP/2'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0', 'HTTP/2'],
    ['G', 'HTTP/1.1'],
    ['PROPFIND / HTTP/1.1\r\n', 'HTTP/1.1'],
    ['PRI * HTTP/1.1\r\n', 'HTTP/1.1'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\n', 'HTTP/1.1'],
    ['\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'HTTP/1.1'],
  ] as const)
    t.equal(startOfPlain(Buffer.from(text)), wanted, JSON.stringify(text))
  t.end()
})
