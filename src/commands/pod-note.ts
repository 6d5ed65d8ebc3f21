/** What people should know of pods that are processes of their machine, in one line. */
export const podNote =
  'pods of podway/echo, and of the RuntimeClass process, run programs of this machine: they see those, read-only, and /etc as any user does, but no other files, keys or sockets; all others have what their image holds'
