import { accessSync, constants } from 'node:fs'

/**
 * Programs that we start begin in our folder. Whoever became another user (su, sudo -u) may stand in one that is closed to
 * them: nothing could be started there, and nothing relative to it read.
 */
export const leaveClosedFolder = (): void => {
  try {
    // By its whole path: what is above it may be closed, too.
    accessSync(process.cwd(), constants.X_OK)
  } catch {
    process.chdir('/')
  }
}
