import t from 'tap'
import {
  GoJsonError,
  goAny,
  goBoolean,
  goInteger,
  goList,
  goString,
  goStruct,
  readGoJson,
  UnknownFieldError,
} from '../../../src/api/go-json.ts'

const port = goStruct('closed', { hostPort: goInteger(0, 65_535), hostIP: goString })
const shape = goStruct('open', { ports: goList(port), isOn: goBoolean, 'cni.dev/more': goAny })

t.test('names of fields match without regard to case, as in Go', async (t) => {
  const ports = [{ hostPort: 80, hostIP: '::1' }]
  for (const text of [
    '{"ports":[{"hostPort":80,"hostIP":"::1"}]}',
    '{"Ports":[{"HostPort":80,"HostIP":"::1"}]}',
    '{"PORTS":[{"HOSTPORT":80,"hostip":"::1"}]}',
    // A letter that folds to s: Go takes it, too.
    '{"port\u017f":[{"hostPort":80,"hostIP":"::1"}]}',
    '{"ports":[{"hostPort":1,"HostPort":80,"hostIP":"::1"}]}',
    '{"ports":[{"hostPort":80,"HostPort":null,"hostIP":"::1"}]}',
  ])
    t.same(readGoJson(text, shape).ports, ports, text)
  t.equal(readGoJson('{"CNI.DEV/more":1}', shape)['cni.dev/more'], 1)
  t.equal(readGoJson('{"k":"x"}'.replace('k', '\u212a'), goStruct('open', { k: goString })).k, 'x', 'the Kelvin sign')
  t.equal(readGoJson('{"cniXdev/more":1}', shape)['cni.dev/more'], undefined, 'a dot is a dot')
})

t.test('null and what is missing are the zero value', async (t) => {
  const zero = { ports: [], isOn: false, 'cni.dev/more': undefined }
  for (const text of ['{}', 'null', '{"ports":null,"isOn":null}']) t.same(readGoJson(text, shape), zero, text)
  t.same(readGoJson('{"ports":[{},null]}', shape).ports, [
    { hostPort: 0, hostIP: '' },
    { hostPort: 0, hostIP: '' },
  ])
})

t.test('a value of another type is an error that names its place', async (t) => {
  for (const [text, message] of [
    ['{"Ports":[{"HostPort":"80"}]}', 'Ports[0].HostPort: expected an integer from 0 to 65535, got "80"'],
    ['{"ports":[{"hostPort":1.5}]}', 'ports[0].hostPort: expected an integer from 0 to 65535, got 1.5'],
    ['{"ports":[{"hostPort":-1}]}', 'ports[0].hostPort: expected an integer from 0 to 65535, got -1'],
    ['{"ports":{}}', 'ports: expected a list, got {}'],
    ['{"isOn":1}', 'isOn: expected a boolean, got 1'],
    ['[]', 'the whole: expected an object, got []'],
    ['{', 'no JSON'],
  ] as const)
    t.throws(() => readGoJson(text, shape), { name: 'GoJsonError', message }, text)
})

t.test('a closed struct refuses what it has no field for, if it says something', async (t) => {
  const read = (text: string) => readGoJson(text, port)
  t.throws(() => read('{"hostPortRange":3}'), UnknownFieldError)
  t.throws(() => read('{"hostPortRange":3}'), { message: 'unsupported field hostPortRange: 3' })
  for (const empty of ['0', '""', 'false', 'null', '[]', '{}', '{"a":{"b":""}}'])
    t.same(read(`{"hostPort":1,"other":${empty}}`), { hostPort: 1, hostIP: '' }, empty)
  t.same(readGoJson('{"other":3}', shape).ports, [], 'an open one leaves it out')
  t.ok(new UnknownFieldError('') instanceof GoJsonError)
})
