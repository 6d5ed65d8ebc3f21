import t from 'tap'
import { jsonLine, syslogMessage } from '../../../../../src/agent/logs/forward/record.ts'
import { hostileTexts, recordOf } from '../../../../support/sink-contract.ts'

t.test('JSON: one line each, and the text as it was', async (t) => {
  for (const text of hostileTexts) {
    const line = jsonLine(recordOf(text))
    t.equal(line.indexOf('\n'), line.length - 1)
    t.same(JSON.parse(line), {
      ...{ time: '2026-01-02T03:04:05.678Z', stream: 'all', logtag: 'F', log: text },
      ...{ namespace: 'default', pod: 'web-0', uid: 'u1', container: 'echo', node: 'node1', labels: { app: 'web' } },
    })
  }
  t.equal(JSON.parse(jsonLine(recordOf('x', { isPartial: true }))).logtag, 'P')
})

t.test('syslog: a header, an element with the pod, the text', async (t) => {
  t.equal(
    syslogMessage(recordOf('hello\tyou')),
    '<14>1 2026-01-02T03:04:05.678Z node1 echo web-0 - ' +
      '[kubernetes@32473 namespace="default" pod="web-0" uid="u1" container="echo" stream="all" logtag="F" ' +
      'labels="{\\"app\\":\\"web\\"}"] hello#011you',
  )
})

t.test('syslog: nothing breaks out of its field', async (t) => {
  const long = 'n'.repeat(300)
  const labels = { a: '"]\\' }
  const message = syslogMessage(recordOf('x', { node: `a b\n${long}`, pod: '', container: 'ü'.repeat(60), labels }))
  const [header = ''] = message.split(' [')
  t.same(
    header.split(' ').map((word) => word.length),
    [5, 24, 255, 48, 1, 1],
  )
  const [, value = ''] = /labels="((?:[^"\\\]]|\\["\\\]])*)"\] x$/.exec(message) ?? []
  t.same(JSON.parse(value.replaceAll(/\\(["\\\]])/g, '$1')), labels)
})
