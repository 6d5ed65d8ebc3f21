import { systemClock } from '../api/clock.ts'
import { print } from '../host/terminal.ts'
import { withCluster } from './cluster.ts'
import { readManifestFile } from './manifest-file.ts'
import { rollingUpdate, type Wish } from './rolling-update/rolling-update.ts'
import { pullPolicies } from './rolling-update/target.ts'
import type { RollingUpdateOptions } from './rolling-update.ts'
import { targetOfManifest } from './rolling-update-manifest.ts'
import { UsageError } from './usage-error.ts'

const checkUse = ({ filename, image, rollback = false, ...options }: RollingUpdateOptions): void => {
  const { deploymentLabelKey, pollInterval } = options
  if (rollback && (filename !== undefined || image !== undefined))
    throw new UsageError("Don't specify --filename or --image on rollback")
  if (!rollback && filename === undefined && image === undefined)
    throw new UsageError('Must specify --filename or --image for new controller')
  if (filename !== undefined && image !== undefined)
    throw new UsageError('--filename and --image can not both be specified')
  if (deploymentLabelKey === '') throw new UsageError('--deployment-label-key can not be empty')
  if (pollInterval === 0) throw new UsageError('--poll-interval 0: expected more than that')
}

const pullPolicyOf = (text: string) => {
  const policy = pullPolicies.find((each) => each === text)
  if (!policy) throw new UsageError(`--image-pull-policy ${text}: expected ${pullPolicies.join(', ')}`)
  return policy
}

const wishOf = async (next: string | undefined, options: RollingUpdateOptions): Promise<Wish> => {
  const { filename, image, container, imagePullPolicy, deploymentLabelKey: key, namespace } = options
  if (filename !== undefined) {
    const target = targetOfManifest(await readManifestFile(filename), filename, namespace)
    if (next !== undefined && next !== target.name)
      throw new UsageError(`${filename} is of ${target.name}, not ${next}: with --filename the name is the file's`)
    return { kind: 'manifest', target }
  }
  if (image === undefined) return { kind: 'rollback', name: next }
  const change = {
    ...{ image, key },
    ...(container === undefined ? {} : { container }),
    ...(imagePullPolicy === undefined ? {} : { pullPolicy: pullPolicyOf(imagePullPolicy) }),
  }
  return { kind: 'image', change, name: next }
}

export const rollingUpdateCommand = async (
  old: string,
  next: string | undefined,
  options: RollingUpdateOptions,
): Promise<void> => {
  checkUse(options)
  const wish = await wishOf(next, options)
  const { namespace, updatePeriod, pollInterval, timeout, dryRun: isDry = false } = options
  await withCluster(options, (client) =>
    rollingUpdate({
      ...{ client, clock: systemClock, namespace, old, wish, isDry },
      ...{ periodMs: updatePeriod * 1000, pollMs: pollInterval * 1000, timeoutMs: timeout * 1000 },
      say: (line) => print(line),
    }),
  )
}
