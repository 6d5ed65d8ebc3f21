import t from 'tap'
import { countGroupMembers, groupFolders } from '../../../../src/agent/usage/group-members.ts'

t.test('where groups are', async (t) => {
  const v1 = '12:pids:/k8s.io/x\n3:cpu,cpuacct:/k8s.io/x\n1:name=systemd:/y\n'
  t.same(groupFolders(v1, '/c'), ['/c/pids/k8s.io/x'])
  t.same(groupFolders('0::/a/b\n', '/c'), ['/c/a/b', '/c/unified/a/b'])
  t.same(groupFolders('12:pids\nnothing\n'), [])
})

t.test('of a process that is gone there are none', async (t) => {
  t.equal(countGroupMembers(2 ** 30), undefined)
})
