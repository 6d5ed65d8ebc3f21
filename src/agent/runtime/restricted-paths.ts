/** What containers do not see, or cannot write to, of /proc and /sys: what tells of the machine, or changes it. As other runtimes have it. */

const maskedProc = [
  ...['acpi', 'asound', 'interrupts', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list'],
  'timer_stats',
]

export const maskedPaths: readonly string[] = [
  ...maskedProc.map((name) => `/proc/${name}`),
  ...['/sys/firmware', '/sys/devices/virtual/powercap', '/sys/fs/bpf'],
]

export const readOnlyPaths: readonly string[] = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map(
  (name) => `/proc/${name}`,
)
