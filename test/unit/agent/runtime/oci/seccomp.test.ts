import t from 'tap'
import type { SeccompFilter } from '../../../../../src/agent/runtime/oci/config-types.ts'
import { defaultSeccomp } from '../../../../../src/agent/runtime/oci/seccomp.ts'

const usual = ['chown', 'setuid', 'sys_chroot']

/** What the filter says of a call whose first argument is given, as the kernel would. */
const verdict = (filter: SeccompFilter, name: string, first = 0): string => {
  const fits = ({ op, value, valueTwo = 0 }: { op: string; value: number; valueTwo?: number }): boolean => {
    if (op === 'SCMP_CMP_EQ') return first === value
    if (op === 'SCMP_CMP_NE') return first !== value
    return (first & value) === valueTwo
  }
  const rule = filter.syscalls.find(({ names, args = [] }) => names.includes(name) && args.every(fits))
  if (rule?.action === 'SCMP_ACT_ALLOW') return 'allow'
  return `errno ${rule?.errnoRet ?? filter.defaultErrnoRet}`
}

const filter = defaultSeccomp(usual, 'x64')

for (const name of [
  'read',
  'execve',
  'openat2',
  'clone3',
  'futex',
  'epoll_pwait2',
  'chroot',
  'modify_ldt',
  'landlock_restrict_self',
])
  t.test(name, async (t) => t.equal(verdict(filter, name), name === 'clone3' ? 'errno 38' : 'allow'))

const refused = [
  ...['mount', 'umount2', 'setns', 'unshare', 'bpf', 'perf_event_open', 'open_by_handle_at', 'reboot', 'init_module'],
  ...[
    'finit_module',
    'delete_module',
    'kexec_load',
    'kexec_file_load',
    'add_key',
    'request_key',
    'keyctl',
    'iopl',
    'ioperm',
  ],
  ...[
    'swapon',
    'swapoff',
    'pivot_root',
    'move_mount',
    'fsopen',
    'open_tree',
    'mount_setattr',
    'settimeofday',
    'clock_settime',
  ],
  ...[
    'acct',
    'quotactl',
    'userfaultfd',
    'syslog',
    'nfsservctl',
    'lookup_dcookie',
    'vhangup',
    'sethostname',
    'setdomainname',
  ],
  ...[
    'io_uring_setup',
    'io_uring_enter',
    'io_uring_register',
    'pidfd_getfd',
    'process_madvise',
    'mbind',
    'set_mempolicy',
  ],
]
t.test('what changes the machine, or looks into it, is refused to whoever has no right to', async (t) => {
  for (const name of refused) t.equal(verdict(filter, name), 'errno 1', name)
})

t.test('rights open what they are for', async (t) => {
  const admin = defaultSeccomp([...usual, 'sys_admin'], 'x64')
  for (const name of ['mount', 'setns', 'unshare', 'clone3']) t.equal(verdict(admin, name), 'allow', name)
  t.equal(verdict(admin, 'clone', 0x10000000), 'allow')
  t.equal(verdict(admin, 'reboot'), 'errno 1')
  for (const [capability, name] of [
    ['sys_boot', 'reboot'],
    ['sys_module', 'finit_module'],
    ['sys_time', 'clock_settime'],
    ['sys_nice', 'mbind'],
    ['syslog', 'syslog'],
    ['bpf', 'bpf'],
    ['perfmon', 'perf_event_open'],
    ['dac_read_search', 'open_by_handle_at'],
  ] as const)
    t.equal(verdict(defaultSeccomp([...usual, capability], 'x64'), name), 'allow', capability)
  t.equal(verdict(defaultSeccomp([], 'x64'), 'chroot'), 'errno 1')
})

t.test('arguments', async (t) => {
  t.equal(verdict(filter, 'clone', 0x11), 'allow', 'a process')
  for (const flag of [0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x08000000, 0x04000000, 0x02000000])
    t.equal(verdict(filter, 'clone', flag | 0x11), 'errno 1', `a namespace ${flag.toString(16)}`)
  t.equal(verdict(filter, 'socket', 2), 'allow')
  t.equal(verdict(filter, 'socket', 40), 'errno 1', 'AF_VSOCK')
  t.equal(verdict(filter, 'personality', 0), 'allow')
  t.equal(verdict(filter, 'personality', 0x0040000), 'errno 1', 'ADDR_NO_RANDOMIZE')
})

t.test('each name stands once, for the machines that are there', async (t) => {
  const [first] = filter.syscalls
  t.equal(new Set(first?.names).size, first?.names.length)
  t.same(filter.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
  t.same(defaultSeccomp([], 'arm64').architectures, ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'])
})
