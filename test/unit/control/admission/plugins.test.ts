import t from 'tap'
import { disabledPlugins, pluginNames } from '../../../../src/control/admission/plugins.ts'
import { createTestApi } from '../../../support/api-server.ts'

t.test('plugins are switched by name', async (t) => {
  t.same(disabledPlugins('', ''), [])
  t.same(disabledPlugins('NodeRestriction', 'ServiceAccount, Priority'), ['ServiceAccount', 'Priority'])
  t.throws(() => disabledPlugins('', 'Nothing'), { message: /^admission plugin "Nothing" is unknown; known are / })
  t.throws(() => disabledPlugins('Priority', 'Priority'), { message: /both enabled and disabled/ })
})

t.test('a plugin that is disabled has no say', async (t) => {
  const api = await createTestApi({ admission: { disabled: pluginNames } })
  const reply = await api.request('POST', '/api/v1/namespaces/none/configmaps', { body: { metadata: { name: 'c' } } })
  t.equal(reply.code, 201)
})
