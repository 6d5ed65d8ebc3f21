import { type Command, Option } from 'commander'
import { collect } from './options.ts'

/** Whose images. */
export interface ImagePlace {
  readonly data: string
  /** Of every node of this lab, in place of this machine's. */
  readonly lab?: string
  readonly output?: string
}

export interface ImportCommandOptions extends ImagePlace {
  readonly name?: string
}

export interface PullCommandOptions extends ImagePlace {
  readonly registries?: string
  readonly dockerConfig?: string
  readonly plainHttp?: boolean
}

export interface PruneOptions extends ImagePlace {
  readonly all?: boolean
}

export interface BuildOptions extends ImagePlace {
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  readonly env?: readonly string[]
  readonly expose?: readonly string[]
  readonly label?: readonly string[]
  readonly user?: string
  readonly workdir?: string
  readonly stopSignal?: string
}

const place = (command: Command): Command =>
  command
    .option('--data <folder>', 'what the agent of this machine keeps', '/var/lib/podway/agent')
    .addOption(new Option('--lab [name]', 'on every node of a lab instead').preset('lab'))
    .option('-o, --output <format>', 'json')

export const registerImage = (program: Command): void => {
  const image = program
    .command('image')
    .description('images of containers on a node, without a daemon: bring them here, look at them, remove them')
    .addHelpText(
      'after',
      `
The agent may run meanwhile, and sees every change at once.

Examples:
  docker save app:1 | podway image import - --lab
  podway image import app.tar --name registry.example/app:1
  podway image build-rootfs ./rootfs app:1 --entrypoint /bin/app --env MODE=test --lab
  podway image ls -o json
  podway image rm app:1
  podway image prune --all`,
    )

  place(image.command('import'))
    .description(
      'take in the images of an archive (docker save, OCI layout; gzip and zstd, too) or of a layout in a folder',
    )
    .argument('<file>', '- is standard input')
    .option('--name <name>', 'in place of the names in it: repository and tag')
    .addHelpText('after', '\nExample:\n  podway image import app.tar --name app:1 --lab')
    .action(async (file: string, options: ImportCommandOptions) =>
      (await import('./image-run.ts')).importFile(file, options),
    )

  place(image.command('pull'))
    .description('bring an image from its registry')
    .argument('<name>', 'nginx:1.27, registry.example/app@sha256:…')
    .option(
      '--registries <file>',
      "mirrors, authorities and logins, as k3s' registries.yaml (default: /etc/podway/registries.yaml)",
    )
    .option('--docker-config <file>', 'logins, as "docker login" writes them')
    .option('--plain-http', 'the registry has no TLS; those on loopback addresses need no saying')
    .addHelpText(
      'after',
      `
A pull that was interrupted goes on where it was.

Examples:
  podway image pull nginx:1.27
  podway image pull --docker-config ~/.docker/config.json registry.example/team/app:1`,
    )
    .action(async (name: string, options: PullCommandOptions) => (await import('./image-run.ts')).pull(name, options))

  place(image.command('build-rootfs'))
    .description('make an image of one layer from a folder')
    .argument('<folder>')
    .argument('<name>', 'repository and tag')
    .option('--entrypoint <word>', 'may be repeated: a word each', collect)
    .option('--cmd <word>', 'may be repeated: a word each', collect)
    .option('--env <name=value>', 'may be repeated', collect)
    .option('--expose <port>', '80/tcp; may be repeated', collect)
    .option('--label <name=value>', 'may be repeated', collect)
    .option('--user <user>', 'who runs it: name or id, also with a group')
    .option('--workdir <folder>', 'where it starts')
    .option('--stop-signal <signal>', 'what asks it to end')
    .addHelpText(
      'after',
      `
Owners, modes and extended attributes are those in the folder; other file systems below it are left out.

Example:
  mkdir -p rootfs/bin && cp /bin/busybox rootfs/bin/ && ln -s busybox rootfs/bin/sh
  podway image build-rootfs rootfs busybox:1 --cmd /bin/sh --lab`,
    )
    .action(async (folder: string, name: string, options: BuildOptions) =>
      (await import('./image-run.ts')).build(folder, name, options),
    )

  place(image.command('ls'))
    .description('which images are here, and which of them are in use')
    .action(async (options: ImagePlace) => (await import('./image-run.ts')).list(options))

  place(image.command('inspect'))
    .description('what an image is and says of its containers, as JSON')
    .argument('<image>', 'a name, or an id')
    .action(async (name: string, options: ImagePlace) => (await import('./image-run.ts')).inspect(name, options))

  place(image.command('rm'))
    .description('take names away, and images with their last name; one that is in use stays')
    .argument('<image...>', 'names or ids')
    .action(async (names: string[], options: ImagePlace) => (await import('./image-run.ts')).remove(names, options))

  place(image.command('prune'))
    .description('remove what is of no use: layers of no image, images without a name')
    .option('--all', 'also images that no container uses')
    .action(async (options: PruneOptions) => (await import('./image-run.ts')).prune(options))
}
