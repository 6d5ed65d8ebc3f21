/** The podway command. Each command loads what it needs when it runs: daemons stay small. */

import { Command, CommanderError } from 'commander'
import { registerAgent } from './commands/agent.ts'
import { registerBackup } from './commands/backup.ts'
import { registerCleanup } from './commands/cleanup.ts'
import { registerCni } from './commands/cni.ts'
import { registerControl } from './commands/control.ts'
import { registerDns } from './commands/dns.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerDrainNode } from './commands/drain-node.ts'
import { registerEcho } from './commands/echo.ts'
import { registerFetch } from './commands/fetch.ts'
import { registerImage } from './commands/image.ts'
import { registerIngress } from './commands/ingress.ts'
import { Interrupted } from './commands/interruption.ts'
import { registerIpam } from './commands/ipam.ts'
import { registerKubeconfig } from './commands/kubeconfig.ts'
import { registerLab } from './commands/lab.ts'
import { registerLogs } from './commands/logs.ts'
import { leaveClosedFolder } from './commands/own-folder.ts'
import { registerPolicy } from './commands/policy.ts'
import { registerRollingUpdate } from './commands/rolling-update.ts'
import { registerSimulate } from './commands/simulate.ts'
import { registerToken } from './commands/token.ts'
import { registerUp } from './commands/up.ts'
import { UsageError } from './commands/usage-error.ts'
import { keepSmall } from './host/busy-memory.ts'
import { printError } from './host/terminal.ts'
import { podwayVersion } from './host/version.ts'

keepSmall()

const program = new Command('podway')
  .description('Kubernetes networking for a Linux VM or a container lab, and the slim control plane that goes with it')
  .version(podwayVersion())
  .showHelpAfterError('(--help shows all options, with examples)')
  .exitOverride()
  .enablePositionalOptions()
  .addHelpText(
    'after',
    `
Examples:
  podway lab up                                   three nodes on this machine, in namespaces
  kubectl --kubeconfig $(podway kubeconfig) get nodes
  podway lab exec client -- curl http://172.30.0.11:30080/
  podway lab down

Exit codes: 0 done, 1 failed, 2 wrong use.`,
  )

for (const register of [
  registerLab,
  registerKubeconfig,
  registerIpam,
  registerImage,
  registerLogs,
  registerRollingUpdate,
  registerUp,
  registerControl,
  registerBackup,
  registerToken,
  registerAgent,
  registerCleanup,
  registerDrainNode,
  registerCni,
  registerEcho,
  registerDns,
  registerDoctor,
  registerPolicy,
  registerIngress,
  registerFetch,
  registerSimulate,
])
  register(program)

/** Subcommands do not inherit these from commander. */
const settle = (command: Command): void => {
  command.exitOverride().showHelpAfterError('(--help shows all options, with examples)')
  command.commands.forEach(settle)
}
settle(program)

// `podway … | head` ends the reader before the writer: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const exitCodeOf = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof Interrupted) return error.exitCode
  return error instanceof UsageError ? 2 : 1
}

try {
  leaveClosedFolder()
  await program.parseAsync()
} catch (error) {
  // Commander has printed its own already.
  if (!(error instanceof CommanderError)) {
    printError(`podway: ${error instanceof Error ? error.message : String(error)}`)
    if (process.env['PODWAY_LOG'] === 'debug' && error instanceof Error) printError(error.stack ?? '')
  }
  // Whatever else of a daemon still runs would be half of it, and look alive.
  process.exit(exitCodeOf(error))
}
