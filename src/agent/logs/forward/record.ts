/** A line of a log as it is forwarded, in the forms that targets take. Pure. What containers write is data in it, never framing. */
import type { StringMap } from '../../../api/types/index.ts'

export interface LogOrigin {
  readonly namespace: string
  readonly pod: string
  readonly uid: string
  readonly container: string
  readonly node: string
  /** Of the pod. */
  readonly labels: StringMap
}

export interface LogRecord extends LogOrigin {
  /** Milliseconds since 1970. */
  readonly time: number
  /** Without the line end; a part of a line longer than a record is. */
  readonly log: string
  /** The line goes on in the next record. */
  readonly isPartial: boolean
}

/** Containers append both of their streams to one file: which of them a line came by is not known (as in `PodLogOptions`). */
const stream = 'all'

const timeText = (time: number): string => new Date(time).toISOString()

/** One line of JSON, with its end. `logtag` as container runtimes write it: full or partial. */
export const jsonLine = ({ time, log, isPartial, namespace, pod, uid, container, node, labels }: LogRecord): string =>
  `${JSON.stringify({
    ...{ time: timeText(time), stream, logtag: isPartial ? 'P' : 'F', log },
    ...{ namespace, pod, uid, container, node, labels },
  })}\n`

/** RFC 5424, section 6.2: printable ASCII, so long at most; `-` for nothing. */
const headerField = (text: string, most: number): string => text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, most) || '-'

/** Section 6.3.3. */
const parameter = (name: string, value: string): string =>
  `${name}="${value.replaceAll(/["\\\]]/g, '\\$&').replaceAll(controls, escapeControl)}"`

// biome-ignore lint/suspicious/noControlCharactersInRegex: section 6.4 would have none of these in a message.
const controls = /[\u0000-\u001f\u007f]/g

/** As rsyslog writes them: `#011` for a tab. */
const escapeControl = (char: string): string => `#${char.charCodeAt(0).toString(8).padStart(3, '0')}`

/** user.info */
const priority = 1 * 8 + 6

/** For private use: the number of RFC 5612. */
const elementName = 'kubernetes@32473'

/** One message (RFC 5424), without any framing, and without control characters. The host is the node, the program the container. */
export const syslogMessage = (record: LogRecord): string => {
  const { time, log, isPartial, namespace, pod, uid, container, node, labels } = record
  const header = [headerField(node, 255), headerField(container, 48), headerField(pod, 128), '-'].join(' ')
  const element = [
    elementName,
    ...[parameter('namespace', namespace), parameter('pod', pod), parameter('uid', uid)],
    ...[parameter('container', container), parameter('stream', stream), parameter('logtag', isPartial ? 'P' : 'F')],
    parameter('labels', JSON.stringify(labels)),
  ].join(' ')
  return `<${priority}>1 ${timeText(time)} ${header} [${element}] ${log.replaceAll(controls, escapeControl)}`
}
