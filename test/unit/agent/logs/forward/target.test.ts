import t from 'tap'
import { parseTarget } from '../../../../../src/agent/logs/forward/target.ts'

t.test('targets', async (t) => {
  t.same(parseTarget('file:///var/log/my%20pods.json'), {
    ...{ kind: 'file', name: 'file:///var/log/my%20pods.json', path: '/var/log/my pods.json' },
  })
  t.match(parseTarget('https://logs.example:8443/in?tenant=a'), { kind: 'http', name: 'https://logs.example:8443/in' })
  const syslog: Readonly<Record<string, object>> = {
    'syslog+udp://192.0.2.1': { protocol: 'udp', host: '192.0.2.1', port: 514 },
    'syslog+tcp://[2001:db8::1]:601': { protocol: 'tcp', host: '2001:db8::1', port: 601 },
    'syslog+tls://logs.example': { protocol: 'tls', host: 'logs.example', port: 6514 },
    'syslog+unix:///run/log.sock': { protocol: 'unix', path: '/run/log.sock' },
  }
  for (const [text, way] of Object.entries(syslog)) t.match(parseTarget(text), { kind: 'syslog', way }, text)
})

t.test('no password is in a name', async (t) => {
  t.equal(parseTarget('https://me:secret@logs.example/in?key=secret')?.name, 'https://logs.example/in')
})

t.test('what is none', async (t) => {
  for (const text of [
    ...[
      '',
      '/var/log/pods.json',
      'file://',
      'file:///',
      'file:///logs/',
      'file://host/logs',
      'file:///a?b',
      'file:///%ff',
    ],
    ...['ftp://logs.example/', 'https://', 'https://logs.example/#a', 'syslog://logs.example', 'syslog+udp://'],
    ...[
      'syslog+tcp://logs.example/path',
      'syslog+tcp://me@logs.example',
      'syslog+unix://host/run/x',
      'syslog+sctp://a',
    ],
  ])
    t.equal(parseTarget(text), undefined, text)
})
