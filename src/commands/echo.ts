import { hostname } from 'node:os'
import type { Command } from 'commander'
import { print } from '../host/terminal.ts'
import { portOption, secondsOption } from './options.ts'

export const registerEcho = (program: Command): void => {
  program
    .command('echo')
    .description('a tiny HTTP and UDP server that tells who answered and who asked')
    .option('--port <port>', 'TCP and UDP port', portOption, 8080)
    .option('--host <address>', 'listen on this address only')
    .option('--lame-duck <seconds>', 'go on answering for so long after being told to end', secondsOption, 3)
    .addHelpText('after', '\nExamples:\n  podway echo --port 8080\n  curl "http://127.0.0.1:8080/any/path?plain"')
    .action(async ({ port, host, lameDuck }: { port: number; host?: string; lameDuck: number }) => {
      const { echoIdentity, runEcho } = await import('../agent/echo/echo.ts')
      const { stopSignal } = await import('./stop-signal.ts')
      const identity = echoIdentity(process.env, hostname())
      await runEcho(
        {
          ...{ ...identity, port, lameDuckMs: lameDuck * 1000, say: (line) => print(line) },
          ...(host === undefined ? {} : { host }),
        },
        stopSignal(),
      )
    })
}
