/** What goes on after an answer has begun: watches, streams and connections. */
import type { Answer } from './call.ts'

export interface Running {
  readonly begin: () => void
  readonly end: () => void
  /** For every event of a watch. */
  readonly event?: () => void
}

export const isLongRunning = ({ kind }: Answer): boolean => kind === 'watch' || kind === 'stream' || kind === 'upgraded'

/** The same answer, which tells when it begins and ends. One that is over when it is sent is as it was. */
export const whileRunning = (answer: Answer, { begin, end, event }: Running): Answer => {
  switch (answer.kind) {
    case 'watch':
      return {
        ...answer,
        run: async (emit, signal) => {
          begin()
          try {
            await answer.run(
              event
                ? (news) => {
                    event()
                    emit(news)
                  }
                : emit,
              signal,
            )
          } finally {
            end()
          }
        },
      }
    case 'stream': {
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        begin()
        try {
          yield* answer.chunks
        } finally {
          end()
        }
      }
      return { ...answer, chunks: chunks() }
    }
    case 'upgraded':
      return {
        ...answer,
        take: (upgrade) => {
          begin()
          upgrade.socket.once('close', end)
          answer.take(upgrade)
        },
      }
    default:
      return answer
  }
}
