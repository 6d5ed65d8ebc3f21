/**
 * The default seccomp filter: which system calls containers may make, by what other runtimes have allowed for years. What is
 * not listed fails with EPERM. Pure.
 */
import type { SeccompFilter, SeccompRule } from './config-types.ts'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Harmless for whoever shares a kernel, by what they are about. */
const allowed: readonly string[] = words(`
  read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek close close_range dup dup2 dup3 pipe pipe2
  open openat openat2 creat access faccessat faccessat2 stat stat64 fstat fstat64 fstatat64 lstat lstat64 newfstatat statx statfs statfs64
  fstatfs fstatfs64 readlink readlinkat link linkat symlink symlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir
  mknod mknodat chdir fchdir getcwd getdents getdents64 readdir umask chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat
  lchown lchown32 utime utimes utimensat utimensat_time64 futimesat truncate truncate64 ftruncate ftruncate64 fallocate fadvise64
  fadvise64_64 arm_fadvise64_64 readahead fsync fdatasync sync syncfs sync_file_range sync_file_range2 arm_sync_file_range flock fcntl
  fcntl64 ioctl sendfile sendfile64 splice tee vmsplice copy_file_range name_to_handle_at cachestat
  getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat
  removexattr lremovexattr fremovexattr removexattrat
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
  select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait
  epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4
  timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
  io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64
  mmap mmap2 munmap mremap mprotect madvise mincore msync brk mlock mlock2 mlockall munlock munlockall membarrier memfd_create
  memfd_secret remap_file_pages pkey_alloc pkey_free pkey_mprotect process_mrelease map_shadow_stack mseal
  fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill pidfd_open pidfd_send_signal
  prctl arch_prctl getcpu sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
  sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
  sched_rr_get_interval_time64 getpriority setpriority ioprio_get ioprio_set nice
  set_tid_address gettid getpid getppid getpgid setpgid getpgrp getsid setsid set_robust_list get_robust_list rseq futex futex_time64
  futex_waitv futex_wait futex_wake futex_requeue get_thread_area set_thread_area restart_syscall riscv_hwprobe
  getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32
  setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid
  setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset seccomp landlock_create_ruleset landlock_add_rule
  landlock_restrict_self getrlimit ugetrlimit setrlimit prlimit64 getrusage uname sysinfo times
  rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn signal pause alarm getitimer setitimer
  time gettimeofday clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 nanosleep
  clock_adjtime clock_adjtime64 adjtimex timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
  timer_settime64
  socketcall socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt send sendto sendmsg
  sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64
  ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
  mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink
  getrandom ptrace process_vm_readv process_vm_writev kcmp lsm_get_self_attr lsm_set_self_attr lsm_list_modules statmount listmount
  uretprobe
`)

/** What one architecture alone has. */
const byArchitecture: Readonly<Record<string, readonly string[]>> = {
  x64: ['modify_ldt'],
  ia32: ['modify_ldt'],
  arm64: words('arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls'),
  arm: words('arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls'),
}

const architectures: Readonly<Record<string, readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  ia32: ['SCMP_ARCH_X86'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  arm: ['SCMP_ARCH_ARM'],
  ppc64: ['SCMP_ARCH_PPC64LE'],
  riscv64: ['SCMP_ARCH_RISCV64'],
  s390x: ['SCMP_ARCH_S390X', 'SCMP_ARCH_S390'],
}

/** What goes with a right: whoever has it may do by these calls what the right is for. */
const byCapability: Readonly<Record<string, readonly string[]>> = {
  dac_read_search: ['open_by_handle_at'],
  sys_admin: words(`
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree
    perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`),
  sys_boot: ['reboot'],
  sys_chroot: ['chroot'],
  sys_module: ['delete_module', 'init_module', 'finit_module'],
  sys_pacct: ['acct'],
  sys_ptrace: ['pidfd_getfd', 'process_madvise'],
  sys_rawio: ['iopl', 'ioperm'],
  sys_time: ['settimeofday', 'stime', 'clock_settime', 'clock_settime64'],
  sys_tty_config: ['vhangup'],
  sys_nice: ['get_mempolicy', 'mbind', 'set_mempolicy', 'set_mempolicy_home_node'],
  syslog: ['syslog'],
  bpf: ['bpf'],
  perfmon: ['perf_event_open'],
}

const eperm = 1
const enosys = 38
/** CLONE_NEW*: a new namespace of any kind. */
const newNamespaces = 0x7e020000
const vsock = 40
const personalities = [0, 8, 0x20000, 0x20008, 0xffffffff]

const allow = (names: readonly string[], args?: SeccompRule['args']): SeccompRule => ({
  names,
  action: 'SCMP_ACT_ALLOW',
  ...(args ? { args } : {}),
})

/** The filter for processes with these capabilities (`net_admin`, …) on this architecture (as Node names it). */
export const defaultSeccomp = (capabilities: readonly string[], arch: string): SeccompFilter => {
  const names = new Set([...allowed, ...(byArchitecture[arch] ?? [])])
  for (const capability of capabilities) for (const name of byCapability[capability] ?? []) names.add(name)
  // `clone` has its flags elsewhere on one machine.
  const flags = arch === 's390x' ? 1 : 0
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: eperm,
    architectures: architectures[arch] ?? [],
    syscalls: [
      allow([...names].sort()),
      ...personalities.map((value) => allow(['personality'], [{ index: 0, value, op: 'SCMP_CMP_EQ' }])),
      allow(['socket'], [{ index: 0, value: vsock, op: 'SCMP_CMP_NE' }]),
      ...(names.has('clone')
        ? []
        : [
            allow(['clone'], [{ index: flags, value: newNamespaces, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]),
            // Its flags are in memory, where no filter looks: programs fall back to clone.
            { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: enosys } as const,
          ]),
    ],
  }
}
