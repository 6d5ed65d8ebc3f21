/** Numbers of Linux that Node has no words for. */

/** open(2), `O_PATH`: only names a place. No device is touched, no FIFO waited for. */
export const pathOnly = 0o10000000

/** statfs(2): the type of a tmpfs. */
export const tmpfsType = 0x01021994
