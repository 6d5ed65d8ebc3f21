import type { Command } from 'commander'
import { collect, countOption, secondsOption } from './options.ts'

/** A small HTTP client that is there in every pod of a lab, for demos and tests. */
export const registerFetch = (program: Command): void => {
  program
    .command('fetch')
    .description('GET a URL and print the body; for looking at a lab from inside')
    .argument('<url>')
    .option('--header <name:value>', 'a request header, such as "Host: web.lab"; may be repeated', collect)
    .option('--count <n>', 'that many requests, each on a connection of its own', countOption('a count', 1, 100_000), 1)
    .option('--keep-going', 'tell of requests that fail, and go on')
    .option('--until-answered', 'ask again until there is an answer')
    .option('--timeout <seconds>', 'for each request', secondsOption, 5)
    .addHelpText(
      'after',
      '\nExample:\n  podway lab exec client -- podway fetch http://172.30.0.11/ --header "Host: web.lab"',
    )
    .action(async (url: string, options) => (await import('./fetch-run.ts')).fetchUrl(url, options))
}
