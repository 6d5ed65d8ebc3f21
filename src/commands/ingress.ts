import type { Command } from 'commander'

export interface LintOptions {
  readonly namespace: string
  readonly output?: string
}

export const registerIngress = (program: Command): void => {
  const ingress = program.command('ingress').description('look at Ingresses')

  ingress
    .command('lint')
    .description('tell what in Ingresses is wrong, unknown, or not served as it is meant; no cluster is asked')
    .argument('<file...>', 'YAML or JSON with any objects; - is standard input')
    .option('-n, --namespace <name>', 'of objects that name none', 'default')
    .option('-o, --output <format>', 'json')
    .addHelpText(
      'after',
      `
Secrets and ConfigMaps of the same files are used: put those beside the Ingresses that their annotations name.

Examples:
  podway ingress lint web.yaml secrets.yaml
  kubectl get ingress,secret,configmap -A -o yaml | podway ingress lint -
  podway ingress lint deploy/*.yaml -o json

Exit codes: 0 no errors (there may be warnings), 1 errors, 2 wrong use.`,
    )
    .action(async (files: readonly string[], options: LintOptions) =>
      (await import('./ingress-run.ts')).lint(files, options),
    )
}
