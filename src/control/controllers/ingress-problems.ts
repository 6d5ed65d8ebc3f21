/** Tells in Events what of an Ingress is not served as its author may expect: what `podway ingress lint` says before. */
import { type EventType, referenceTo } from '../../api/event-recorder.ts'
import { configMaps, ingressClasses, ingresses, objectKey, secrets } from '../../api/resources.ts'
import type { Outcome } from '../../api/work-queue.ts'
import { createQueue } from '../../controller/queue.ts'
import type { Lookup } from '../../proxy/ingress/annotations/settings.ts'
import type { Finding } from '../../proxy/ingress/lint/finding.ts'
import { lintIngresses } from '../../proxy/ingress/lint/lint.ts'
import { classView, ingressView, isServed } from '../../proxy/ingress/routes/model.ts'
import { type CreateController, recorderFor } from './controller.ts'

const name = 'ingress-problems'

/** What one Ingress does may be another one's problem: all are looked at. */
const everything = 'everything'
/** Several objects of one `kubectl apply` are looked at together. */
const debounceMs = 200

const annotation = /^[a-z.]+\/./

const reasonOf = ({ at }: Finding): string => (annotation.test(at) ? 'InvalidAnnotation' : 'NotServedAsWritten')

const textOf = ({ at, value, message }: Finding): string =>
  value === undefined ? `${at}: ${message}` : `${at} "${value}": ${message}`

const decoded = (data: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]))

export const createIngressProblemController: CreateController = (context) => {
  const { informers } = context
  const copies = informers.of(ingresses)
  const classes = informers.of(ingressClasses)
  const secretCopies = informers.of(secrets)
  const configMapCopies = informers.of(configMaps)
  const events = recorderFor(context, 'podway-ingress')
  let told: ReadonlySet<string> = new Set()

  const lookup: Lookup = {
    secret: (key) => {
      const secret = secretCopies.get(key)
      return secret && decoded(secret.data)
    },
    configMap: (key) => {
      const configMap = configMapCopies.get(key)
      return configMap && (configMap.data ?? {})
    },
  }

  const tell = (found: Finding): string => {
    const { ingress, severity } = found
    const text = textOf(found)
    const key = `${objectKey(ingress)} ${ingress.metadata.uid} ${text}`
    // A warning of lint is a matter of taste; only what is not served is worth an Event.
    const type: EventType = severity === 'error' ? 'Warning' : 'Normal'
    if (!told.has(key)) events.record(referenceTo(ingress), type, reasonOf(found), text)
    return key
  }

  const reconcile = async (): Promise<Outcome> => {
    const known = new Map([...classes.entries()].map(([className, each]) => [className, classView(each)]))
    const served = [...copies.values()].filter((ingress) => isServed(ingressView(ingress), known))
    told = new Set(lintIngresses(served, { lookup, isComplete: true }).map(tell))
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)
  const look = (): void => queue.addAfter(everything, debounceMs)
  const lookIfUsed = (): void => {
    if (copies.size > 0) look()
  }

  return {
    name,
    run: (signal) => {
      copies.onChange((_, now, before) => {
        // Its status is none of ours.
        if (now?.metadata.generation !== before?.metadata.generation || !now || !before) look()
        else if (JSON.stringify(now.metadata.annotations) !== JSON.stringify(before.metadata.annotations)) look()
      })
      classes.onChange(look)
      secretCopies.onChange(lookIfUsed)
      configMapCopies.onChange(lookIfUsed)
      return queue.run(signal)
    },
  }
}
