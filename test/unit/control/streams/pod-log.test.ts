import t from 'tap'
import { createTestApi } from '../../../support/api-server.ts'

const pods = '/api/v1/namespaces/default/pods'

t.test('the log of a pod that has no node yet is empty', async (t) => {
  const api = await createTestApi()
  const containers = [
    { name: 'a', image: 'i' },
    { name: 'b', image: 'i' },
  ]
  await api.request('POST', pods, { body: { metadata: { name: 'one' }, spec: { containers: containers.slice(1) } } })
  await api.request('POST', pods, { body: { metadata: { name: 'two' }, spec: { containers } } })
  t.equal((await api.request('GET', `${pods}/one/log`)).code, 204)
  t.equal((await api.request('GET', `${pods}/two/log?container=a&follow=true`)).code, 204)
  t.match(await api.request('GET', `${pods}/two/log`), { code: 400, body: { message: /a container name must be/ } })
  t.match(await api.request('GET', `${pods}/two/log?container=c`), { code: 400, body: { message: /is not valid/ } })
  t.equal((await api.request('GET', `${pods}/three/log`)).code, 404)
})
