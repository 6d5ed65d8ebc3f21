/** How an answer reaches a client, whatever HTTP it speaks. Each exchange has one. */
import type { Changes } from '../http/changes.ts'
import type { Field } from '../http/fields.ts'
import type { Framing } from '../http/framing.ts'
import type { ResponseHead } from '../http/response-head.ts'

export interface Sink {
  /** Whether pieces of a chunked body come with their framing. */
  readonly takesChunks: boolean
  /** From here on chunked bodies come without framing, whatever `takesChunks` says. */
  frameChunks(): void
  /** An answer before the answer: 1xx. */
  interim(head: ResponseHead): void
  /** `framing`: how the body comes in; chunks that the sink does not take come without it. */
  begin(head: ResponseHead, framing: Framing, changes: Changes | undefined): void
  /** False: nothing more until the client has taken it. */
  write(piece: Buffer): boolean
  /** What was written since the last flush goes out. */
  flush(): void
  /** The answer is complete. */
  end(trailers: readonly Field[]): void
  /** Whether the client has got anything of the answer. */
  begun(): boolean
}
