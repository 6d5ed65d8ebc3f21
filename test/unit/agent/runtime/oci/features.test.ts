import t from 'tap'
import { featuresOf } from '../../../../../src/agent/runtime/oci/features.ts'

t.test('labels of SELinux are honoured by leaving them out where the kernel has none', async (t) => {
  t.ok(featuresOf({ isUserNamespace: false, hasSELinux: false }).has('selinux'))
  t.notOk(featuresOf({ isUserNamespace: false, hasSELinux: true }).has('selinux'))
})

t.test('an ordinary user has no devices to give', async (t) => {
  t.ok(featuresOf({ isUserNamespace: false, hasSELinux: false }).has('devices'))
  t.notOk(featuresOf({ isUserNamespace: true, hasSELinux: false }).has('devices'))
  t.ok(featuresOf({ isUserNamespace: true, hasSELinux: false }).has('images'))
})
