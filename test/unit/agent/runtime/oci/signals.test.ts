import t from 'tap'
import { signalNumber } from '../../../../../src/agent/runtime/oci/signals.ts'

const cases = {
  SIGQUIT: 3,
  quit: 3,
  '9': 9,
  SIGRTMIN: 34,
  'SIGRTMIN+3': 37,
  'SIGRTMAX-1': 63,
  SIGWINCH: 28,
  ' SIGINT ': 2,
}
const none = ['', 'SIGNOTHING', '0', '65', '-1', 'SIGRTMIN+99', 'SIGRTMAX+1', 'constructor', '1e1', '9; rm']

t.test('as images name them', async (t) => {
  for (const [text, number] of Object.entries(cases)) t.equal(signalNumber(text), number, text)
  for (const text of none) t.equal(signalNumber(text), 15, `${JSON.stringify(text)} is TERM`)
})
